//! How a format is read.

use super::field::{FIELDS, Field, PYTHON_FIELDS};
use super::{Format, Layout, Piece};
use crate::diagnostic::nearest;
use crate::settings::{Rejected, Setting};

/// What Apache and nginx call by that name. There is no `identd`, and the log stands outside of
/// what knows users.
const COMBINED: &str = "{client_ip} - - [{time}] \"{request_line}\" {status} {length} \
    \"{referer}\" \"{user_agent}\"";

/// The default of `wsgi_log_format` in oslo.service.
const OSLO: &str = "%(client_ip)s \"%(request_line)s\" status: %(status_code)s  \
    len: %(body_length)s time: %(wall_seconds).7f";

impl Setting for Format {
    const EXPECTED: &'static str =
        "`combined`, `json`, `oslo`, `swift`, or a line with fields such as `{client_ip} {status}`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "combined" => template(COMBINED),
            "json" => Ok(Self(Layout::Json)),
            "oslo" => oslo(OSLO),
            "swift" => Ok(Self(Layout::Swift)),
            line if line.contains("%(") => oslo(line),
            line => template(line),
        }
    }
}

/// Reads a line with fields such as `{status}`.
fn template(line: &str) -> Result<Format, Rejected> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(open) = rest.find('{') {
        let start = line.len() - rest.len() + open;
        let Some(length) = rest[open..].find('}') else {
            return Err(Rejected::because("`{` has no `}`").at(start, start + 1));
        };
        let name = &rest[open + 1..open + length];
        let field = named(name, &FIELDS)
            .map_err(|reason| Rejected::because(reason).at(start, start + length + 1))?;
        pieces.push(Piece::Text(rest[..open].into()));
        pieces.push(Piece::Field(field));
        rest = &rest[open + length + 1..];
    }
    if pieces.is_empty() {
        let reason = "it has no field; fields are written `{client_ip}`";
        return Err(Rejected::because(reason));
    }
    pieces.push(Piece::Text(rest.into()));
    Ok(Format(Layout::Template(pieces.into())))
}

/// Reads a line with fields such as `%(status_code)s`, as Python writes them.
fn oslo(line: &str) -> Result<Format, Rejected> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(percent) = rest.find('%') {
        let start = line.len() - rest.len() + percent;
        pieces.push(Piece::Text(rest[..percent].into()));
        let after = &rest[percent + 1..];
        if let Some(after) = after.strip_prefix('%') {
            pieces.push(Piece::Text("%".into()));
            rest = after;
            continue;
        }
        let reject = |reason| Rejected::because(reason).at(start, start + 1);
        let inner = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        let Some((name, after)) = inner else {
            let reason = "`%` is followed by neither `(NAME)s` nor another `%`";
            return Err(reject(reason.to_owned()));
        };
        let field = named(name, &PYTHON_FIELDS).map_err(reject)?;
        let (field, after) = converted(field, after).ok_or_else(|| {
            reject(format!("`%({name})` is followed by none of `s`, `d` and `.7f`"))
        })?;
        pieces.push(Piece::Field(field));
        rest = after;
    }
    pieces.push(Piece::Text(rest.into()));
    Ok(Format(Layout::Template(pieces.into())))
}

/// A field as what follows it says, and the rest: `s`, `d`, or the number of digits of a fraction.
fn converted(field: Field, text: &str) -> Option<(Field, &str)> {
    let Some(digits) = text.strip_prefix('.') else {
        let rest = text.strip_prefix(['s', 'd', 'f'])?;
        return Some((field, rest));
    };
    let (digits, rest) = digits.split_once('f')?;
    let digits = digits.parse().ok()?;
    matches!(field, Field::Seconds(_)).then_some((Field::Seconds(digits), rest))
}

/// The field of a name.
fn named(name: &str, fields: &[(&str, Field)]) -> Result<Field, String> {
    if let Some((_, field)) = fields.iter().find(|(known, _)| *known == name) {
        return Ok(*field);
    }
    let names: Vec<_> = fields.iter().map(|(known, _)| *known).collect();
    Err(match nearest(name, names.iter().copied()) {
        Some(near) => format!("there is no field `{name}`; did you mean `{near}`?"),
        None => format!("there is no field `{name}`; the fields are {}", names.join(", ")),
    })
}
