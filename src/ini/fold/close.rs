//! Ends options and sections, and says what becomes of those that are given again.

use super::{Current, Fold};
use crate::ini::Setting;
use crate::ini::again::{self, Again};
use crate::ini::block::AgainSection;

impl Fold<'_> {
    pub(super) fn close_option(&mut self) {
        let (Some(open), Some(block)) = (self.open.take(), self.current.block(&mut self.defaults))
        else {
            return;
        };
        let setting = open.close(self.place);
        match open.again {
            None => block.options.push(setting),
            Some(Again { first, fault }) => {
                let first = again::option_at(&block.options, first);
                if first.is_some_and(|first| first.raw == setting.raw) {
                    block.repeated.push((open.key, fault));
                    let lines = self.place.range(setting.key_span.to(setting.value_span));
                    self.faults.fix(fault, again::remove(&setting.key, &lines, self.place));
                } else {
                    block.contradicted.insert(open.key);
                }
            }
        }
    }

    pub(super) fn close_section(&mut self) {
        self.close_option();
        let Current::Section(mut block) = std::mem::replace(&mut self.current, Current::None)
        else {
            return;
        };
        self.faults.leave(block.undecided());
        match block.again.take() {
            None => self.sections.extend(block.close()),
            Some(again) => self.close_again(&block.options, again),
        }
    }

    /// Offers to take out a section that is given again and adds nothing.
    fn close_again(&mut self, options: &[Setting], section: AgainSection) {
        let AgainSection { again: Again { first, fault }, header, indentation, faults } = section;
        let first = again::section_at(&self.sections, first);
        let is_same = first.is_some_and(|first| again::is_same(options, &first.options));
        // What is deeper than the header would go on with the value above it.
        let is_apart = self.indentation <= indentation;
        if is_same && is_apart && faults == self.faults.count() {
            let last = options.last().map(|last| self.place.range(last.value_span));
            let lines = header.start..last.map_or(header.end, |last| last.end);
            let name = format!("[{}]", self.place.text(&header));
            self.faults.fix(fault, again::remove(&name, &lines, self.place));
        }
    }
}
