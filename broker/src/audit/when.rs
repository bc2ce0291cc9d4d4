//! Points in time as people write them.

use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads `2026-01-02T03:04:05Z`, `2026-01-02 03:04:05`, `2026-01-02` (UTC all), `today`, `yesterday`, or a span such as
/// `90m`, `2h` or `3days` before `now`; gives RFC 3339 with milliseconds, as the log has it.
///
/// # Errors
/// When it is none of these, in a sentence.
pub fn since(text: &str, now: SystemTime) -> Result<String, String> {
    let midnight = || {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds - seconds % DAY.as_secs())
    };
    let point = match text {
        "today" => Some(midnight()),
        "yesterday" => midnight().checked_sub(DAY),
        _ => humantime::parse_rfc3339_weak(text)
            .or_else(|_| humantime::parse_rfc3339_weak(&format!("{text} 00:00:00")))
            .ok()
            .or_else(|| now.checked_sub(humantime::parse_duration(text).ok()?)),
    };
    match point {
        Some(point) if point >= SystemTime::UNIX_EPOCH => {
            Ok(humantime::format_rfc3339_millis(point).to_string())
        }
        _ => Err(format!("{text:?} is no point in time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_and_spans_are_read() {
        let now = humantime::parse_rfc3339("2026-03-04T05:06:07Z").unwrap();
        let table = [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
            ("2026-01-02 03:04:05", "2026-01-02T03:04:05.000Z"),
            ("2026-01-02", "2026-01-02T00:00:00.000Z"),
            ("today", "2026-03-04T00:00:00.000Z"),
            ("yesterday", "2026-03-03T00:00:00.000Z"),
            ("1h 6m", "2026-03-04T04:00:07.000Z"),
            ("3days", "2026-03-01T05:06:07.000Z"),
        ];
        for (text, expected) in table {
            assert_eq!(since(text, now).as_deref(), Ok(expected), "{text}");
        }
        for bad in ["", "soon", "2026-13-01", "9999999999years", "-1h"] {
            assert!(since(bad, now).is_err(), "{bad:?}");
        }
    }
}
