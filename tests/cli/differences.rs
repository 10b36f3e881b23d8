//! Each deliberate difference from Paste Deploy: the examples of the rows in
//! `docs/paste-deploy.md`, run through the program.

mod examples;

use std::collections::BTreeSet;

use self::examples::examples;
use crate::support::Test;

const PAGE: &str = include_str!("../../docs/paste-deploy.md");

/// What is done with an example, and what must come of it.
#[derive(Clone, Copy, Debug)]
enum Run {
    /// A command with its arguments, and its exit status.
    Command(&'static str, i32),
    /// `serve` with its arguments, and a request as it is sent.
    Request(&'static str, &'static str),
}

/// The example of a row.
#[derive(Debug)]
struct Example {
    /// The anchor of the row.
    row: &'static str,
    files: Vec<(&'static str, String)>,
    run: Run,
    /// Texts that stand in what is printed or answered, which begins with the status.
    says: &'static [&'static str],
    /// A text that does not stand there.
    hides: Option<&'static str>,
}

impl Example {
    /// Adds a file.
    fn file(mut self, name: &'static str, text: String) -> Self {
        self.files.push((name, text));
        self
    }

    /// Says what must not come of it.
    fn hides(self, text: &'static str) -> Self {
        Self { hides: Some(text), ..self }
    }
}

/// A row of the table.
#[derive(Debug)]
struct Row {
    anchor: &'static str,
    /// What is written in the file.
    written: &'static str,
    /// The diagnostics that are linked to.
    slugs: Vec<&'static str>,
}

#[test]
fn every_row_has_its_example() {
    let examples = examples();
    let anchors: Vec<_> = rows().map(|row| row.anchor).collect();
    assert_eq!(anchors, examples.iter().map(|example| example.row).collect::<Vec<_>>());
    assert_eq!(anchors.len(), BTreeSet::from_iter(&anchors).len(), "an anchor is there twice");
}

#[test]
fn every_example_has_what_its_row_says_is_written() {
    for (row, example) in rows().zip(examples()) {
        let mut files = example.files.iter();
        let is_there = files.any(|(name, text)| *name == row.written || text.contains(row.written));
        assert!(is_there, "`{}` is in no file of {example:#?}", row.written);
    }
}

#[test]
fn every_example_does_what_its_row_says() {
    let mut wrong = Vec::new();
    for (row, example) in rows().zip(examples()) {
        let Example { files, run, says, hides, .. } = example;
        let test = files.into_iter().fold(Test::new(), |test, (name, text)| test.file(name, text));
        let said = said(test, run);
        let slugs = row.slugs.iter().map(|slug| format!("[{slug}]"));
        let mut expected = slugs.chain(says.iter().map(|text| (*text).to_owned()));
        let is_hidden = hides.is_none_or(|text| !said.contains(text));
        if !is_hidden || !expected.all(|text| said.contains(&text)) {
            wrong.push(format!("{}, expected {says:?}:\n{said}", row.anchor));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What comes of an example.
fn said(test: Test, run: Run) -> String {
    match run {
        Run::Command(arguments, status) => {
            let finished = test.arguments(arguments).run().status(status);
            format!("{}{}", finished.stdout, finished.stderr)
        }
        Run::Request(arguments, request) => {
            let answer = test.arguments(arguments).serve().send(request);
            format!("{} {}", answer.status, answer.body)
        }
    }
}

/// The rows of the table of differences.
fn rows() -> impl Iterator<Item = Row> {
    PAGE.lines().filter_map(|line| {
        let row = line.strip_prefix("| <a id=\"")?;
        let (anchor, row) = row.split_once("\"></a>").unwrap();
        let written = row.split('`').nth(1).unwrap();
        let links = row.split("](diagnostics/").skip(1);
        let slugs = links.map(|link| link.split_once(".md)").unwrap().0).collect();
        Some(Row { anchor, written, slugs })
    })
}
