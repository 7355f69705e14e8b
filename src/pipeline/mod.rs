//! The steps: each turns where a job stands into calls and events. What happens after a crash is decided here.

mod accounts;
mod after;
mod brake;
mod clear;
mod clock;
mod collect;
mod commit;
mod context;
mod create;
mod dispatch;
mod folders;
mod forget;
mod hand;
mod inspect;
mod label;
mod learnt;
mod likeness;
mod listing;
mod names;
mod odds;
mod pace;
mod product;
mod publish;
mod queue;
mod reading;
mod receipts;
mod service;
mod sign;
mod submission;
mod supersede;
mod twins;
mod unbegun;
mod upload;
mod withdraw;

pub use accounts::{Accounts, Paused};
pub use brake::Brake;
pub use clear::{clear_results, until_clearing};
pub use clock::Clock;
pub use context::{Context, Judge, Settings, Witness};
pub use dispatch::run;
pub use folders::FolderWays;
pub use forget::forget_ended;
pub use learnt::Learnt;
pub use listing::Listings;
pub use names::Names;
pub use queue::Queue;
pub use receipts::Receipts;
pub use service::Service;
pub use unbegun::Crowd;
pub use withdraw::{label_of, note, withdraw};

#[cfg(test)]
mod tests;
