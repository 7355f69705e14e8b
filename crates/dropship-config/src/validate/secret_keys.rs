//! The keys that say where a secret is: their values have to be the path of a file, or the name of a credential.

use super::diagnostics::Diagnostics;
use crate::raw::values::At;
use crate::secret_names::{KeyKind, fault_of_file};
use crate::secrets::ADVICE;

/// Reports values that cannot be what their key is for, such as a secret itself; they are not shown.
pub(super) fn check<const N: usize>(
    diagnostics: &mut Diagnostics<'_>,
    keys: [(&str, &Option<At<String>>, KeyKind); N],
) {
    for (key, at, kind) in keys {
        let Some(at) = at else { continue };
        let fault = match kind {
            KeyKind::File => fault_of_file(at, &diagnostics.path(at)),
            kind => kind.fault(at),
        };
        if let Some(fault) = fault {
            diagnostics.error_with_help(&at.span, format!("the value of `{key}` {fault}"), ADVICE);
        }
    }
}
