//! Audiences: each account has its own ids for them.

use serde_json::{Value, json};

use crate::api::paging;
use crate::app::ApiCaller;
use crate::ids::guid_for;
use crate::reply::Reply;

/// Name, audience name, description, and whether attestation-signed drivers may be published to it.
const AUDIENCES: &[(&str, &str, &str, bool)] = &[
    (
        "Test Registry Key",
        "Test_Registry_Key",
        "Matches machines that have the following registry key: HKLM\\Software\\Microsoft\\DriverFlighting\\Partner, TargetRing=Drivers",
        true,
    ),
    ("Surface SSRK", "Surface_SSRK", "Surface machines with the self-service registry key", true),
    ("CoDev Alpine", "CoDev_Alpine", "Machines of the co-development programme Alpine", true),
    ("CoDev Birch", "CoDev_Birch", "Machines of the co-development programme Birch", true),
    ("Pilot Fleet", "Pilot_Fleet", "Machines of the pilot customers", false),
];

fn id_of(account: &str, name: &str) -> String {
    guid_for(&format!("audience {account} {name}"))
}

/// `GET /audiences`
pub(crate) fn list(caller: &ApiCaller) -> Reply {
    let items: Vec<Value> = AUDIENCES
        .iter()
        .map(|(name, audience, description, _)| {
            json!({
                "id": id_of(&caller.account, name), "name": name, "description": description,
                "audienceName": audience,
            })
        })
        .collect();
    paging::complete(caller, "audiences", &items)
}

/// Whether an attestation-signed driver may be published to an audience; `None` for an unknown audience.
pub(crate) fn is_test(account: &str, id: &str) -> Option<bool> {
    let found = AUDIENCES.iter().find(|(name, ..)| id_of(account, name).eq_ignore_ascii_case(id));
    found.map(|(.., test)| *test)
}
