//! Timestamps as the Bedrock control plane writes them: ISO 8601 with microseconds.

use super::super::call::Millis;

/// `2025-11-20T20:35:25.123000Z`.
pub(crate) fn iso8601(at: Millis) -> String {
    i64::try_from(at)
        .ok()
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
        .map_or_else(|| "9999-12-31T23:59:59.999000Z".to_owned(), |stamp| format!("{stamp:.6}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_with_microseconds_in_utc() {
        assert_eq!(iso8601(1_763_670_925_123), "2025-11-20T20:35:25.123000Z");
        assert_eq!(iso8601(0), "1970-01-01T00:00:00.000000Z");
    }
}
