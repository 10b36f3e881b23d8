//! Diagnostics as a SARIF log, for code scanners and editors.

use std::collections::{BTreeSet, HashSet};

use indexmap::IndexMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value as Json, json};

use super::{Diagnostic, Fix, Page};
use crate::source::{Source, SourceId, Sources, Span};

/// What is not written as it is in a path; a colon would make a scheme of what is before it.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'/').remove(b'_').remove(b'~');

/// The diagnostics of one run as a log of the Static Analysis Results Interchange Format, SARIF
/// 2.1.0: a rule for each kind of them, its page of the documentation as help, and a result for
/// each, with its places and the fix.
///
/// Lines and columns count from 1, columns in UTF-16 code units. Files are named as they were
/// named to the program. The texts of the files are not in it.
pub fn sarif(diagnostics: &[Diagnostic], sources: &Sources) -> Json {
    let slugs: BTreeSet<_> = diagnostics.iter().map(|found| found.slug).collect();
    let rules: Vec<_> = slugs.iter().map(|slug| rule(slug)).collect();
    let files = Files::new(sources);
    let results: Vec<_> = diagnostics.iter().map(|found| files.result(found, &slugs)).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": env!("CARGO_PKG_NAME"),
                    "version": env!("CARGO_PKG_VERSION"),
                    "informationUri": concat!("https://docs.rs/", env!("CARGO_PKG_NAME")),
                    "rules": rules,
                },
            },
            "columnKind": "utf16CodeUnits",
            "newlineSequences": ["\r\n", "\n", "\r"],
            "results": results,
        }],
    })
}

/// A kind of diagnostic; one that a user's own factory tells has no page.
fn rule(slug: &str) -> Json {
    let Some(page) = Page::find(slug) else { return json!({"id": slug}) };
    let mut rule = json!({
        "id": slug,
        "shortDescription": {"text": page.summary()},
        "help": {"text": page.text, "markdown": page.text},
    });
    if let Some(worst) = page.severities.first() {
        rule["defaultConfiguration"] = json!({"level": worst.name()});
    }
    rule
}

/// The files that results are about.
struct Files<'a> {
    sources: &'a Sources,
    /// Those whose bytes cannot be counted: what is not UTF-8 has been replaced, by longer bytes.
    repaired: HashSet<SourceId>,
}

impl<'a> Files<'a> {
    fn new(sources: &'a Sources) -> Self {
        let is_repaired = |source: &Source| source.text().contains(char::REPLACEMENT_CHARACTER);
        let repaired = sources.iter().filter(|(_, source)| is_repaired(source));
        Self { sources, repaired: repaired.map(|(id, _)| id).collect() }
    }

    fn result(&self, found: &Diagnostic, slugs: &BTreeSet<&str>) -> Json {
        let help = found.help.iter().map(|help| format!("\n{help}"));
        let message: String = [found.message.clone()].into_iter().chain(help).collect();
        let place = found.span.map(|span| self.location(span, &found.label));
        let mut result = json!({
            "ruleId": found.slug,
            "ruleIndex": slugs.iter().position(|slug| *slug == found.slug),
            "level": found.severity.name(),
            "message": {"text": message},
            "locations": place.as_slice(),
        });
        if !found.related.is_empty() {
            let related = found.related.iter().map(|(span, part)| self.location(*span, part));
            result["relatedLocations"] = related.collect();
        }
        if let Some(fix) = &found.fix {
            result["fixes"] = json!([self.fix(fix)]);
        }
        result
    }

    fn location(&self, span: Span, words: &str) -> Json {
        let physical =
            json!({"artifactLocation": self.artifact(span.source), "region": self.region(span)});
        let mut location = json!({"physicalLocation": physical});
        if !words.is_empty() {
            location["message"] = json!({"text": words});
        }
        location
    }

    /// A file: a relative path as it is, an absolute one with the scheme `file`.
    fn artifact(&self, source: SourceId) -> Json {
        let path = self.sources.get(source).name();
        let scheme = if path.is_absolute() { "file://" } else { "" };
        let path = percent_encode(path.as_os_str().as_encoded_bytes(), ESCAPED);
        json!({"uri": format!("{scheme}{path}")})
    }

    fn region(&self, span: Span) -> Json {
        let source = self.sources.get(span.source);
        let (start_line, start_column) = source.line_and_unit(span.range().start);
        let (end_line, end_column) = source.line_and_unit(span.range().end);
        let mut region = json!({
            "startLine": start_line,
            "startColumn": start_column,
            "endLine": end_line,
            "endColumn": end_column,
        });
        if !self.repaired.contains(&span.source) {
            region["byteOffset"] = json!(span.start);
            region["byteLength"] = json!(span.end - span.start);
        }
        region
    }

    /// A fix: the replacements in each file that it changes.
    fn fix(&self, fix: &Fix) -> Json {
        let mut changes: IndexMap<SourceId, Vec<Json>> = IndexMap::new();
        for (span, text) in &fix.edits {
            changes.entry(span.source).or_default().push(json!({
                "deletedRegion": self.region(*span),
                "insertedContent": {"text": text},
            }));
        }
        let changes = changes.into_iter().map(|(source, replacements)| {
            json!({"artifactLocation": self.artifact(source), "replacements": replacements})
        });
        json!({"description": {"text": fix.title}, "artifactChanges": changes.collect::<Vec<_>>()})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Applicability;

    fn log(found: &Diagnostic, sources: &Sources) -> Json {
        sarif(std::slice::from_ref(found), sources)
    }

    #[test]
    fn a_result_has_its_places_in_code_units_and_bytes() {
        let mut sources = Sources::default();
        let id = sources.add("etc/a b:c.ini", "[s]\r\u{1f600}\u{e9} = x\n");
        let span = Span::new(id, 13, 14);
        let found = Diagnostic::warning("inline-comment", "it is odd")
            .at(span)
            .label("here")
            .related(Span::new(id, 1, 2), "in this section")
            .help("mend it")
            .fix(Fix {
                title: "write `y`".to_owned(),
                edits: vec![(span, "y".to_owned())],
                applicability: Applicability::Safe,
            });
        let region = json!({
            "startLine": 2,
            "startColumn": 7,
            "endLine": 2,
            "endColumn": 8,
            "byteOffset": 13,
            "byteLength": 1,
        });
        let artifact = json!({"uri": "etc/a%20b%3Ac.ini"});
        let result = &log(&found, &sources)["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "inline-comment");
        assert_eq!((&result["ruleIndex"], &result["level"]), (&json!(0), &json!("warning")));
        assert_eq!(result["message"]["text"], "it is odd\nmend it");
        let place = &result["locations"][0];
        assert_eq!(place["message"]["text"], "here");
        let physical = json!({"artifactLocation": artifact, "region": region});
        assert_eq!(place["physicalLocation"], physical);
        let related = &result["relatedLocations"][0];
        assert_eq!(related["message"]["text"], "in this section");
        assert_eq!(related["physicalLocation"]["region"]["startLine"], 1);
        let fix = json!({
            "description": {"text": "write `y`"},
            "artifactChanges": [{
                "artifactLocation": artifact,
                "replacements": [{"deletedRegion": region, "insertedContent": {"text": "y"}}],
            }],
        });
        assert_eq!(result["fixes"], json!([fix]));
    }

    #[test]
    fn a_rule_has_its_page_and_a_users_own_has_none() {
        let mut sources = Sources::default();
        sources.add("a.ini", "");
        let rule = |slug| {
            log(&Diagnostic::error(slug, "it is wrong"), &sources)["runs"][0]["tool"]["driver"]
                ["rules"][0]
                .clone()
        };
        let known = rule("bad-mount");
        assert_eq!(
            (&known["id"], &known["defaultConfiguration"]["level"]),
            (&json!("bad-mount"), &json!("error"))
        );
        let summary = known["shortDescription"]["text"].as_str().unwrap();
        assert!(summary.starts_with("A key of a URL map is a path"), "{summary}");
        assert!(known["help"]["markdown"].as_str().unwrap().starts_with("# bad-mount\n"));
        assert_eq!(rule("lukewarm"), json!({"id": "lukewarm"}));
    }

    #[test]
    fn bytes_are_not_counted_where_some_were_replaced() {
        let mut sources = Sources::default();
        let id = sources.add("/etc/a.ini", "\u{fffd}x");
        let found = Diagnostic::error("not-utf8", "it is wrong").at(Span::new(id, 3, 4));
        let log = log(&found, &sources);
        let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "file:///etc/a.ini");
        let region = json!({"startLine": 1, "startColumn": 2, "endLine": 1, "endColumn": 3});
        assert_eq!(place["region"], region);
    }
}
