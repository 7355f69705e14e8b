//! The operator who changes something.

use super::peer::operator_name;

/// An operator: the history of a job has the name, and the user id decides whether two operators are the same person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// User id.
    pub uid: u32,
    /// Name and user id, for people.
    pub name: String,
}

impl Operator {
    /// The user that started this process. Blocks: it asks the user database.
    #[must_use]
    pub fn of_process() -> Self {
        let uid = rustix::process::getuid().as_raw();
        Self { uid, name: operator_name(uid) }
    }
}
