//! The facts of an uploaded package.

use crate::package::inf::Inf;

/// The result of the analysis of an upload.
#[derive(Debug)]
pub(crate) struct PackageFacts {
    /// Why the workflow will fail; absent for a valid package.
    pub(crate) failure: Option<StepFailure>,
    pub(crate) format: UploadFormat,
    pub(crate) infs: Vec<PackageInf>,
    /// Operating system codes that the package names (HLKX only).
    pub(crate) codes: Vec<String>,
}

/// The step at which a workflow fails, and its message.
#[derive(Debug, Clone)]
pub(crate) struct StepFailure {
    pub(crate) step: &'static str,
    pub(crate) message: String,
}

/// The file format of the upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadFormat {
    Nothing,
    Cab,
    Zip,
}

/// An INF file of the package.
#[derive(Debug)]
pub(crate) struct PackageInf {
    /// Folder of the INF in the package; empty for the root.
    pub(crate) folder: String,
    /// File name.
    pub(crate) name: String,
    pub(crate) inf: Inf,
}

impl PackageFacts {
    /// The facts of a package whose workflow fails at a step.
    pub(crate) fn failed(format: UploadFormat, step: &'static str, message: impl Into<String>) -> Self {
        Self {
            failure: Some(StepFailure { step, message: message.into() }),
            format,
            infs: Vec::new(),
            codes: Vec::new(),
        }
    }
}
