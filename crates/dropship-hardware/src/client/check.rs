//! Checks of the connection to the service, for times without other calls.

use std::time::Duration;

use super::call::Call;
use super::core::Client;
use crate::http::explain;

/// Maximum duration of a check.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Client {
    /// Checks the connection if that is due: while calls fail, when `is_urgent`, or when no call was made for a minute.
    ///
    /// The check is a `HEAD` without credentials of the root of the endpoint. When calls have failed, one read-only call
    /// follows, also while other calls wait for the service to come back.
    pub async fn check_connection(&self, is_urgent: bool) {
        let health = &self.shared.health;
        if !health.start_check(is_urgent) {
            return;
        }
        if let Err(why) = self.head().await {
            return health.check_failed(Some(why));
        }
        if !health.have_calls_failed() {
            return health.check_passed();
        }
        self.shared.limiter.allow_probe();
        let call = Call::get("list audiences", vec!["audiences".into()]);
        match tokio::time::timeout(TIMEOUT, self.authorized(&call)).await {
            Ok(Ok(_)) => health.check_passed(),
            // Credentials that are refused are no outage.
            Ok(Err(_)) if !health.is_failing() => {}
            Ok(Err(_)) => health.check_failed(None),
            Err(_) => health
                .check_failed(Some(format!("the service did not answer within {} s", TIMEOUT.as_secs()))),
        }
    }

    /// Whether [`check_connection`](Self::check_connection) would check it now.
    #[must_use]
    pub fn is_connection_check_due(&self, is_urgent: bool) -> bool {
        self.shared.health.is_check_due(is_urgent)
    }

    async fn head(&self) -> Result<(), String> {
        let mut root = self.shared.base.clone();
        root.set_path("/");
        // On a connection of its own: the next check comes later than an idle one is kept, and to close it by then would wake an
        // idle process again.
        let sent = self.shared.http.unpooled.head(root).timeout(TIMEOUT).send().await;
        let answer = sent.map_err(|error| format!("the service cannot be reached: {}", explain(error)))?;
        self.shared.clock.measure(answer.headers());
        match answer.status().as_u16() {
            status @ (502 | 504) => {
                Err(format!("a gateway answered with {status}: the service cannot be reached"))
            }
            _ => Ok(()),
        }
    }
}
