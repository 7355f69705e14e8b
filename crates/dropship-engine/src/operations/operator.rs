//! The operator who changes something.

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

/// The name and the user id of an operator, as the history of a job shows them. Blocks: it asks the user database.
#[must_use]
pub fn operator_name(uid: u32) -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
    match user {
        Some(user) => format!("{} (uid {uid})", user.name),
        None => format!("uid {uid}"),
    }
}
