//! Does nothing, in the place of a filter that one wants gone.

use crate::app::Filter;
use crate::registry::{Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::Reader;

pub(super) const DEFINITION: Definition = Definition::filter::<Pass>("pass")
    .stand_in("does without it, which is safe only if it guards nothing");

settings! {
    /// Does nothing, at no cost.
    ///
    /// It stands in for a filter that one wants gone, most often from an overlay, so that the
    /// pipelines that name the filter need no change. It takes any option, as the section may
    /// still hold those of the filter.
    ///
    /// ```ini
    /// [filter:osprofiler]
    /// use = egg:pasteline#pass
    /// hmac_keys = SECRET_KEY
    /// ```
    pub(super) struct Pass {}
}

impl FilterFactory for Pass {
    fn check(&self, reader: &mut Reader<'_>) {
        reader.accept_any();
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::pass())
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::app::{App, response};
    use crate::builtin::fixture::{faults, filter, get, text};

    const OSPROFILER: &str = "[filter:osprofiler]\nuse = egg:pasteline#pass\nhmac_keys = SECRET\n";

    #[tokio::test]
    async fn takes_any_option_and_does_nothing() {
        assert_eq!(faults(OSPROFILER), [""; 0]);
        let app = App::ready(|_| response::text(StatusCode::OK, "hello"));
        let app = app.behind(&[filter(OSPROFILER)]);
        assert_eq!(text(get(&app, "/").await).await, "hello");
    }
}
