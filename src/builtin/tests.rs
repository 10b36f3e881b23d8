//! What holds for every built-in factory, whichever it is.

mod hostile;
mod refusals;

use std::collections::HashSet;
use std::future::ready;
use std::path::Path;

use super::fixture::{File, logged};
use super::{TABLES, apps, composites, filters, foreign, servers};
use crate::app::{App, Body, BodyRefused, BoxError, Filter, Request, Response};
use crate::diagnostic::Diagnostic;
use crate::ini::{Conf, Value};
use crate::registry::{Definition, FactoryId, Kind, Registry};
use crate::settings::{Dialect, Form, Reader, Subject};
use crate::source::Sources;

fn definitions() -> impl Iterator<Item = &'static Definition> {
    TABLES.into_iter().flatten()
}

/// The names of the Rust files in a directory of this module, sorted.
fn files(directory: &str) -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/builtin").join(directory);
    let Ok(entries) = directory.read_dir() else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let rust = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let mut names: Vec<_> =
        rust.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_file_is_registered() {
    for (directory, table) in [
        ("apps", apps::ALL),
        ("composites", composites::ALL),
        ("filters", filters::ALL),
        ("servers", servers::ALL),
    ] {
        let names: Vec<_> = table.iter().map(|definition| definition.name).collect();
        assert_eq!(names, files(directory), "the table and the files of `{directory}`, sorted");
    }
}

#[test]
fn no_factory_is_registered_twice() {
    let mut seen = HashSet::new();
    for definition in definitions() {
        let native = FactoryId::native(definition.name);
        let aliases = definition.aliases.iter().map(|alias| FactoryId::of(alias.spec));
        for id in aliases.chain([native]) {
            for kind in definition.kinds() {
                let new = seen.insert((id.clone(), kind));
                assert!(new, "`{}`: {id:?} stands for two {kind:?}s", definition.name);
            }
        }
    }
}

#[test]
fn aliases_are_in_alphabetical_order() {
    for definition in definitions() {
        let specs: Vec<_> = definition.aliases.iter().map(|alias| alias.spec).collect();
        assert!(specs.is_sorted(), "`{}`: {specs:?}", definition.name);
    }
}

#[test]
fn what_is_retired_has_a_successor_of_the_same_definition() {
    for definition in definitions() {
        for alias in definition.aliases {
            let Some(retired) = alias.retired else { continue };
            let mut others = definition.aliases.iter().filter(|other| other.retired.is_none());
            assert!(others.any(|other| Some(other.spec) == retired.successor), "{}", alias.spec);
        }
    }
}

#[test]
fn what_is_foreign_has_no_native_form() {
    let registry = Registry::builtin();
    let specs: Vec<_> = foreign::ALL.iter().map(|foreign| foreign.spec).collect();
    assert!(specs.is_sorted(), "{specs:?}");
    for spec in specs {
        assert!(registry.all(spec).next().is_none(), "{spec}");
        assert!(registry.foreign(spec).is_some_and(|known| known.spec == spec), "{spec}");
    }
}

#[test]
fn what_is_known_of_others_is_in_alphabetical_order() {
    let packages: Vec<_> = foreign::PACKAGES.iter().map(|package| package.name).collect();
    assert!(packages.is_sorted(), "{packages:?}");
    let relays: Vec<_> = foreign::RELAYS.iter().map(|relay| relay.spec).collect();
    assert!(relays.is_sorted(), "{relays:?}");
}

#[test]
fn every_option_is_documented() {
    for definition in definitions() {
        for option in definition.options {
            assert!(!option.doc.trim().is_empty(), "`{}`: `{}`", definition.name, option.name);
        }
    }
}

#[test]
fn every_example_loads() {
    for definition in definitions() {
        let name = definition.name;
        let examples = examples(definition.doc);
        assert!(!examples.is_empty(), "`{name}` has no example");
        for example in examples {
            let File { sources, sections } = File::parse(&example);
            let shown = sections.iter().any(|section| section.definition.name == name);
            assert!(shown, "an example of `{name}` does not show it:\n{example}");
            for section in &sections {
                let mut diagnostics = section.check(&sources);
                diagnostics.retain(Diagnostic::is_error);
                assert!(diagnostics.is_empty(), "{diagnostics:#?}\n{example}");
            }
        }
    }
}

/// The `ini` blocks of a text in Markdown. Doc comments begin with a space in each line.
fn examples(doc: &str) -> Vec<String> {
    let lines = doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    let mut examples = Vec::new();
    let mut example: Option<String> = None;
    for line in lines {
        match &mut example {
            None if line == "```ini" => example = Some(String::new()),
            None => {}
            Some(_) if line == "```" => examples.extend(example.take()),
            Some(example) => {
                example.push_str(line);
                example.push('\n');
            }
        }
    }
    assert!(example.is_none(), "an example has no end:\n{doc}");
    examples
}

/// A dialect renames to options that exist, and what it ignores would not work anyway.
#[test]
fn dialects_name_options_that_exist() {
    for definition in definitions() {
        let exists = |name: &str| definition.options.iter().any(|option| option.name == name);
        for alias in definition.aliases {
            for (_, ours) in alias.dialect.renames() {
                assert!(exists(ours), "`{}` renames to `{ours}`", alias.spec);
            }
            for (theirs, why) in alias.dialect.ignores() {
                assert!(!exists(theirs), "`{}` ignores `{theirs}`: {why}", alias.spec);
            }
        }
    }
}

/// What is wrong with a section that gives no option: options that are missing, and nothing
/// else, or some default cannot be read.
#[test]
fn every_default_can_be_read() {
    let (nothing, sources) = (Conf::default(), Sources::default());
    for definition in definitions() {
        let native = Dialect::new();
        let dialects = definition.aliases.iter().map(|alias| &alias.dialect);
        for dialect in dialects.chain([&native]) {
            let subject = Subject { factory: definition.name, place: None, dialect };
            for kind in definition.kinds() {
                let mut reader = Reader::new(subject, &nothing, &nothing, &sources);
                definition.check(kind, &mut reader);
                for diagnostic in reader.finish() {
                    assert_eq!(diagnostic.slug, "missing-option", "{}", diagnostic.message);
                }
            }
        }
    }
}

#[test]
fn hints_about_the_order_name_filters() {
    let registry = Registry::builtin();
    for definition in definitions() {
        for (inner, _) in definition.outside_of {
            let found = registry.named(inner).is_some_and(|found| found.is(Kind::Filter));
            assert!(found, "`{inner}` behind `{}`", definition.name);
        }
    }
}

#[test]
fn a_builtin_is_found_by_its_name_and_by_its_aliases() {
    let registry = Registry::builtin();
    for definition in definitions() {
        let native = format!("egg:pasteline#{}", definition.name);
        for kind in definition.kinds() {
            for spec in definition.aliases.iter().map(|alias| alias.spec).chain([&*native]) {
                let found = registry.find(kind, spec).map(|found| found.definition.name);
                assert_eq!(found, Some(definition.name), "{spec}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_client_does_wrong_is_no_error_of_a_layer() {
    for (refused, level) in [(true, " INFO "), (false, "ERROR ")] {
        let layer = tower_layer::layer_fn(move |_: App| {
            tower::service_fn(move |_: Request| {
                let refusal = || BoxError::from(BodyRefused::TooSlow);
                let error = if refused { refusal() } else { "broken".into() };
                ready(Err::<Response, _>(error))
            })
        });
        let app = App::ready(|_| Response::default()).behind(&[Filter::layer(layer)]);
        let lines = logged(|| app.answer(Request::new(Body::empty()))).await;
        assert!(lines[0].contains(level), "{lines:?}");
    }
}

/// What the libraries offer that files of any service may name.
const ENTRY_POINTS: &[(&str, &[&str])] = &[
    (
        "Paste",
        &[
            "auth_basic",
            "auth_cookie",
            "auth_digest",
            "auth_form",
            "auth_tkt",
            "cascade",
            "cgi",
            "cgitb",
            "config",
            "cowbell",
            "error_catcher",
            "errordocument",
            "evalerror",
            "flup_session",
            "grantip",
            "gzip",
            "http",
            "httpexceptions",
            "lint",
            "openid",
            "paste_session",
            "pkg_resources",
            "pony",
            "printdebug",
            "profile",
            "proxy",
            "recursive",
            "registry",
            "static",
            "test",
            "test_slow",
            "translogger",
            "transparent_proxy",
            "urlmap",
            "urlparser",
            "watch_threads",
            "wdg_validate",
        ],
    ),
    ("PasteDeploy", &["config", "prefix"]),
    (
        "PasteScript",
        &[
            "cgi",
            "cherrypy",
            "flup_ajp_fork",
            "flup_ajp_thread",
            "flup_fcgi_fork",
            "flup_fcgi_thread",
            "flup_scgi_fork",
            "flup_scgi_thread",
            "test",
            "twisted",
            "wsgiutils",
        ],
    ),
    ("gunicorn", &["main"]),
    (
        "keystonemiddleware",
        &["audit", "auth_token", "external_oauth2_token", "oauth2_mtls_token", "oauth2_token"],
    ),
    (
        "oslo.middleware",
        &[
            "basic_auth",
            "catch_errors",
            "correlation_id",
            "cors",
            "debug",
            "healthcheck",
            "http_proxy_to_wsgi",
            "request_id",
            "sizelimit",
            "tracing",
        ],
    ),
    ("osprofiler", &["osprofiler"]),
    ("waitress", &["main"]),
];

#[test]
fn something_is_known_of_every_entry_point_of_a_library() {
    let registry = Registry::builtin();
    for (distribution, names) in ENTRY_POINTS {
        for name in *names {
            let spec = format!("egg:{distribution}#{name}");
            let is_known =
                registry.all(&spec).next().is_some() || registry.foreign(&spec).is_some();
            assert!(is_known, "{spec}");
        }
    }
}

/// A value that no option takes which takes not just any text.
const NONSENSE: &str = "\u{1}|nonsense";

#[test]
fn every_option_that_takes_not_just_any_text_refuses_nonsense() {
    let (nothing, sources, native) = (Conf::default(), Sources::default(), Dialect::new());
    let mut refused = 0;
    for definition in definitions() {
        let subject = Subject { factory: definition.name, place: None, dialect: &native };
        for option in definition.options.iter().filter(|option| option.form != Form::Text) {
            let value = Value { text: NONSENSE.into(), key_span: None, span: None };
            let local = Conf::from([(option.name.into(), value)]);
            for kind in definition.kinds().filter(|kind| *kind != Kind::Composite) {
                let mut reader = Reader::new(subject, &local, &nothing, &sources);
                definition.check(kind, &mut reader);
                let told = reader.finish();
                let quoted = format!("`{}`", option.name);
                let is_told = |told: &Diagnostic| told.is_error() && told.message.contains(&quoted);
                assert!(told.iter().any(is_told), "`{}`: {quoted}: {told:?}", definition.name);
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "{refused}");
}
