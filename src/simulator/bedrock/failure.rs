//! The exceptions of the Bedrock control plane, each with its HTTP status (`aws-facts` 1.0).

use super::super::call::Failure;

/// 400: the input is wrong whoever sends it.
pub(crate) fn validation(message: impl Into<String>) -> Failure {
    Failure::new("ValidationException", 400, message)
}

/// 404.
pub(crate) fn not_found(message: impl Into<String>) -> Failure {
    Failure::new("ResourceNotFoundException", 404, message)
}

/// 400, not 409: Bedrock answers conflicts so.
pub(crate) fn conflict(message: impl Into<String>) -> Failure {
    Failure::new("ConflictException", 400, message)
}

/// 400: something still refers to what is to be deleted.
pub(crate) fn in_use(message: impl Into<String>) -> Failure {
    Failure::new("ResourceInUseException", 400, message)
}

/// 400: a limit of the account or the resource.
pub(crate) fn quota(message: impl Into<String>) -> Failure {
    Failure::new("ServiceQuotaExceededException", 400, message)
}

/// 403.
pub(crate) fn denied(message: impl Into<String>) -> Failure {
    Failure::new("AccessDeniedException", 403, message)
}

/// 404: an operation nobody modelled. Loud, so that it is not taken for an empty answer.
pub(crate) fn not_simulated(name: &str) -> Failure {
    Failure::new("UnknownOperationException", 404, format!("{name} is not simulated"))
}
