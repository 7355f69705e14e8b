//! A request body that has to keep arriving.

use std::io;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::limits::Limits;

/// A body that is read.
struct ArrivingBody {
    data: BodyDataStream,
    limits: Limits,
    received: u64,
    /// Time spent waiting for the client. The daemon's own work does not count.
    waited: Duration,
}

/// The same body. Reading it fails when the client stalls, or sends slower than the minimum rate.
pub(super) fn limit_body(body: Body, limits: Limits) -> Body {
    let start = ArrivingBody { data: body.into_data_stream(), limits, received: 0, waited: Duration::ZERO };
    Body::from_stream(stream::unfold(Some(start), |state| async {
        let mut body = state?;
        match body.next().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(body))),
            Ok(None) => None,
            // The stream ends after an error.
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl ArrivingBody {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let started_at = Instant::now();
        let stalled = || io::Error::new(io::ErrorKind::TimedOut, "the client sends its request too slowly");
        let next = tokio::time::timeout(self.limits.stall, self.data.next()).await.map_err(|_| stalled())?;
        self.waited += started_at.elapsed();
        let Some(bytes) = next.transpose().map_err(io::Error::other)? else { return Ok(None) };
        self.received += bytes.len() as u64;
        let grace = self.waited.saturating_sub(self.limits.stall);
        if self.received < grace.as_secs().saturating_mul(self.limits.min_rate) {
            return Err(stalled());
        }
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `count` pieces of `size` bytes, one each `pause`.
    fn sent(count: usize, size: usize, pause: Duration) -> Body {
        let pieces = stream::iter(0..count).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, io::Error>(vec![0_u8; size])
        });
        limit_body(Body::from_stream(pieces), Limits::CONTROL)
    }

    async fn read(body: Body) -> Result<usize, axum::Error> {
        Ok(axum::body::to_bytes(body, usize::MAX).await?.len())
    }

    #[tokio::test(start_paused = true)]
    async fn body_that_stalls_or_trickles_fails_and_a_slow_one_arrives() {
        let second = Duration::from_secs(1);
        assert!(read(sent(2, 1, Limits::CONTROL.stall + second)).await.is_err(), "stalls");
        assert!(read(sent(100, 1, second)).await.is_err(), "trickles");
        assert_eq!(read(sent(100, 64 << 10, second)).await.expect("slow"), 100 * (64 << 10));
    }
}
