//! What clients take away by `Connection`, which lists fields that end at this server.

use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};

/// Whether a value of `Connection` says more than what becomes of the connection.
pub(super) fn names_fields(value: &[u8]) -> bool {
    !value.eq_ignore_ascii_case(b"keep-alive") && !value.eq_ignore_ascii_case(b"close")
}

/// Takes the fields away that `Connection` names, and their names out of it. It is done before
/// filters add theirs, which so cannot be named away.
#[cold]
pub(super) fn remove(headers: &mut HeaderMap) {
    let (mut kept, mut named) = (Vec::new(), Vec::new());
    for value in headers.get_all(CONNECTION) {
        let options = value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        for option in options.filter(|option| !option.is_empty()) {
            if is_of_connection(option) {
                kept.push(option);
            } else {
                named.extend(HeaderName::from_bytes(option).ok());
            }
        }
    }
    let kept = HeaderValue::from_bytes(&kept.join(&b", "[..]));
    for name in named.iter().filter(|name| !is_needed(name)) {
        headers.remove(name);
    }
    match kept {
        Ok(kept) if !kept.is_empty() => headers.insert(CONNECTION, kept),
        _ => headers.remove(CONNECTION),
    };
}

/// Options that say what becomes of the connection, some of them with a field of the same name.
fn is_of_connection(option: &[u8]) -> bool {
    let known = [&b"close"[..], b"http2-settings", b"keep-alive", b"te", b"upgrade"];
    known.iter().any(|known| option.eq_ignore_ascii_case(known))
}

/// What tells where a request goes to, where it ends and whom it comes from, whatever is said of
/// it: nobody lets these end at the next hop.
fn is_needed(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "connection" | "content-length" | "forwarded" | "host" | "transfer-encoding")
        || name.starts_with("x-forwarded-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that are left of fields that are all there, where `Connection` has some values,
    /// and what is left of it.
    fn left(values: &[&str]) -> (String, String) {
        let mut headers = HeaderMap::new();
        for name in ["host", "content-length", "te", "upgrade", "x-a", "x-b", "x-forwarded-for"] {
            headers.insert(name, HeaderValue::from_static("1"));
        }
        for value in values {
            headers.append(CONNECTION, HeaderValue::from_str(value).unwrap());
        }
        remove(&mut headers);
        let connection = headers.get_all(CONNECTION).iter().map(|value| value.to_str().unwrap());
        let connection = connection.collect::<Vec<_>>().join(" | ");
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.retain(|name| *name != "connection");
        (names.join(" "), connection)
    }

    #[test]
    fn fields_that_are_named_end_here() {
        let without = |gone: &[&str]| {
            let all = "host content-length te upgrade x-a x-b x-forwarded-for";
            let mut names: Vec<_> = all.split(' ').filter(|name| !gone.contains(name)).collect();
            names.sort_unstable();
            names.join(" ")
        };
        for (values, gone, connection) in [
            (&["close, X-A"][..], &["x-a"][..], "close"),
            (&["X-A,x-b ,,"], &["x-a", "x-b"], ""),
            (&["Upgrade, x-a", "keep-alive"], &["x-a"], "Upgrade, keep-alive"),
            (&["te, Host, Content-Length, X-Forwarded-For, Connection"], &[], "te"),
            (&["x a, \u{e9}"], &[], ""),
        ] {
            let (names, kept) = left(values);
            let mut names: Vec<_> = names.split(' ').collect();
            names.sort_unstable();
            assert_eq!((names.join(" "), kept), (without(gone), connection.to_owned()));
        }
    }

    #[test]
    fn what_says_nothing_of_fields_costs_nothing() {
        for value in ["close", "Keep-Alive", "CLOSE"] {
            assert!(!names_fields(value.as_bytes()), "{value}");
        }
        for value in ["upgrade", "close, x-a", "", "keep-alive,close"] {
            assert!(names_fields(value.as_bytes()), "{value}");
        }
    }
}
