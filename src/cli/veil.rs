//! What people may see of an option and of what it comes from.

use crate::graph::{How, Origin, Step};
use crate::settings::{MASK, Mask};

/// What people may see of an option.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Veil {
    /// The value.
    pub(super) text: String,
    /// The text of each step that led to it.
    pub(super) steps: Vec<String>,
}

/// What people may see of an option. A secret stays one where a reference or `get` brings it into
/// an option of another name.
pub(super) fn veil(mask: &Mask, origin: &Origin) -> Veil {
    let Origin { key, text, steps } = origin;
    let mut seen = text.to_string();
    let mut is_secret = mask.is_secret(key);
    for step in steps.iter().filter(|step| is_secret_step(mask, step)) {
        match step.how {
            How::Reference(_) if !step.text.contains('%') => seen = seen.replace(&*step.text, MASK),
            // Of what nobody knows any more it may be one.
            _ => is_secret = true,
        }
    }
    let text = if is_secret && !text.is_empty() {
        MASK.to_owned()
    } else {
        mask.value(key, &seen).into_owned()
    };
    let step = |step: &Step| match step.how {
        // These hold names.
        How::Get | How::Use => step.text.to_string(),
        _ if is_secret && !step.text.is_empty() => MASK.to_owned(),
        _ => mask.value(name(step), &step.text).into_owned(),
    };
    Veil { text, steps: steps.iter().map(step).collect() }
}

fn is_secret_step(mask: &Mask, step: &Step) -> bool {
    let holds_name = matches!(step.how, How::Get | How::Use);
    step.how == How::Unknown || !holds_name && !step.text.is_empty() && mask.is_secret(name(step))
}

/// The name of an option without the `set` before it.
fn name(step: &Step) -> &str {
    step.key.rsplit(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn step(how: How, key: &str, text: &str) -> Step {
        Step { how, section: None, key: Arc::from(key), text: Arc::from(text), span: None }
    }

    /// What is seen of `key = text`, which comes from the steps.
    fn seen(key: &str, text: &str, steps: Vec<Step>) -> Vec<String> {
        let origin = Origin { key: Arc::from(key), text: Arc::from(text), steps };
        let Veil { text, steps } = veil(&Mask::new(["recipe"]), &origin);
        [text].into_iter().chain(steps).collect()
    }

    #[test]
    fn a_secret_stays_one_under_another_name() {
        let given = || step(How::Given, "url", "db://me:%(recipe)s@%(host)s");
        let brought = |text| step(How::Reference(1), "recipe", text);
        let host = || step(How::Reference(1), "host", "h");
        assert_eq!(
            seen("url", "db:me lemon", vec![given(), brought("lemon"), host()]),
            ["db:me ****", "db://me:****@%(host)s", "****", "h"]
        );
        let deeper = step(How::Reference(2), "tea", "lemon");
        assert_eq!(seen("url", "lemon!", vec![given(), brought("%(tea)s"), deeper]), ["****"; 4]);
        let got = vec![step(How::Set, "set recipe", "lemon"), step(How::Get, "get x", "recipe")];
        assert_eq!(seen("x", "lemon", got), ["****", "****", "recipe"]);
    }

    #[test]
    fn what_nobody_knows_may_be_a_secret() {
        let steps = || vec![step(How::Unwritten, "tea", "lemon"), step(How::Unknown, "", "")];
        assert_eq!(seen("x", "lemon", steps()), ["****", "****", ""]);
        assert_eq!(seen("x", "", steps()), ["", "****", ""]);
    }

    #[test]
    fn what_comes_before_a_secret_is_one_too() {
        let steps = vec![
            step(How::Given, "recipe", "%(tea)s"),
            step(How::Over, "recipe", "old"),
            step(How::Reference(1), "tea", "lemon"),
        ];
        assert_eq!(seen("recipe", "lemon", steps), ["****"; 4]);
    }
}
