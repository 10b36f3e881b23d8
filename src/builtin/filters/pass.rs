//! Does nothing, in the place of a filter that one wants gone.

use crate::app::Filter;
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::Reader;

pub(super) const DEFINITION: Definition = Definition::filter::<Pass>("pass")
    .aliases(ALIASES)
    .stand_in("does without it, which is safe only if it guards nothing");

const ALIASES: &[Alias] = &[
    Alias::of("designate.common.profiler:WsgiMiddleware.factory").idle(OSPROFILER),
    Alias::of("egg:Paste#config").idle(PYTHON),
    Alias::of("egg:Paste#cowbell").idle(PICTURES),
    Alias::of("egg:Paste#flup_session").idle(PYTHON),
    Alias::of("egg:Paste#lint").idle(WSGI),
    Alias::of("egg:Paste#paste_session").idle(PYTHON),
    Alias::of("egg:Paste#pony").idle(PICTURES),
    Alias::of("egg:Paste#recursive").idle(PYTHON),
    Alias::of("egg:Paste#registry").idle(PYTHON),
    Alias::of("egg:PasteDeploy#config").idle(PYTHON),
    Alias::of("egg:osprofiler#osprofiler").idle(OSPROFILER),
    Alias::of("egg:swift#recon").idle(RECON),
    Alias::of("egg:swift#xprofile").idle(XPROFILE),
    Alias::of("magnum.common.profiler:WsgiMiddleware.factory").idle(OSPROFILER),
    Alias::of("nova.profiler:WsgiMiddleware.factory").idle(OSPROFILER),
    Alias::of("osprofiler.web:WsgiMiddleware.factory").idle(OSPROFILER),
    Alias::of("paste.config:make_config_filter").idle(PYTHON),
    Alias::of("paste.cowbell:make_cowbell").idle(PICTURES),
    Alias::of("paste.deploy.config:make_config_filter").idle(PYTHON),
    Alias::of("paste.flup_session:make_session_middleware").idle(PYTHON),
    Alias::of("paste.lint:make_middleware").idle(WSGI),
    Alias::of("paste.pony:make_pony").idle(PICTURES),
    Alias::of("paste.recursive:make_recursive_middleware").idle(PYTHON),
    Alias::of("paste.registry:make_registry_manager").idle(PYTHON),
    Alias::of("paste.session:make_session_middleware").idle(PYTHON),
    Alias::of("swift.common.middleware.recon:filter_factory").idle(RECON),
    Alias::of("swift.common.middleware.xprofile:filter_factory").idle(XPROFILE),
    Alias::of("zun.common.profiler:WsgiMiddleware.factory").idle(OSPROFILER),
];

const OSPROFILER: &str = "its traces lead through Python code only; `egg:pasteline#trace_context` writes those of the W3C";
const PICTURES: &str = "it adds pictures to pages for fun";
const PYTHON: &str = "it serves Python code behind it, and has no place before a proxy";
const RECON: &str = "it tells of disks and rings, which only Swift's own processes know";
const WSGI: &str = "it looks for mistakes in the use of WSGI, which is not spoken here";
const XPROFILE: &str = "it measures Python functions; `access_log` tells how long requests take";

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
        let original = OSPROFILER.replace("egg:pasteline#pass", "egg:osprofiler#osprofiler");
        assert_eq!(faults(&original), [""; 0]);
        let app = App::ready(|_| response::text(StatusCode::OK, "hello"));
        let app = app.behind(&[filter(OSPROFILER)]);
        assert_eq!(text(get(&app, "/").await).await, "hello");
    }
}
