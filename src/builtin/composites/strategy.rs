//! One of several pipelines, chosen when the file is loaded.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::{object, words};
use crate::app::{App, Filter, Request};
use crate::diagnostic::Diagnostic;
use crate::ini::Value;
use crate::registry::{
    Alias, Assembly, Composite, Definition, Error, FactoryId, Flow, Globals, Plan, Route, Turn,
};
use crate::settings::{Dialect, OptionSpec};

pub(super) const DEFINITION: Definition =
    Definition::composite::<Strategy>("strategy").aliases(ALIASES);

const STRATEGY: OptionSpec = OptionSpec {
    expected: "the name of a pipeline",
    ..OptionSpec::of::<String>(
        "strategy",
        "The pipeline that is taken. The service's settings and `--strategy` come before it. An\n\
         OpenStack factory does not know this option: it takes `keystone`, and that of Glance and\n\
         Heat `default`, if the operator does not choose.",
        Some("keystone"),
    )
};

/// The composite; see [`Composite::DOC`].
struct Strategy;

impl Composite for Strategy {
    const DOC: &'static str = "\
Takes one of several pipelines, as OpenStack's `pipeline_factory` does with `auth_strategy`.

Every other option is the name of a pipeline: filters, the outermost first, and an app. What
`set` gives to this section reaches none of them. Only the pipeline that is taken is looked at.

```ini
[composite:api]
use = egg:pasteline#strategy
strategy = noauth
noauth = cors request_id api_v2
keystone = cors request_id authtoken api_v2
```
";

    const OPTIONS: &'static [OptionSpec] = &[STRATEGY];

    fn plan(assembly: &mut Assembly<'_>) -> Option<Box<dyn Plan>> {
        let strategy = chosen(assembly);
        let Some(pipeline) = pipeline(assembly, &strategy) else {
            let diagnostic = unknown(assembly, &strategy);
            assembly.children.note(diagnostic);
            return None;
        };
        let names: Vec<_> = words(pipeline, assembly.sources).collect();
        let Some((app, filters)) = names.split_last() else {
            let message = format!("the pipeline `{strategy}` is empty");
            assembly.children.note(
                Diagnostic::error("empty-pipeline", message)
                    .at(pipeline.key_span)
                    .help("name its filters, the outermost first, and at its end an app")
                    .class("IndexError"),
            );
            return None;
        };
        let children = &mut *assembly.children;
        // All are asked for before any fault counts, so that all faults are found.
        let found: Vec<_> =
            filters.iter().map(|name| children.filter(name, Globals::Dropped)).collect();
        let app = children.app(app, Globals::Dropped);
        (app.is_some() && found.iter().all(Option::is_some))
            .then(|| Box::new(Chosen { strategy: strategy.into() }) as _)
    }
}

/// The name of the pipeline to take.
fn chosen(assembly: &Assembly<'_>) -> String {
    let id = FactoryId::of(assembly.factory);
    let alias = ALIASES.iter().find(|alias| FactoryId::of(alias.spec) == id);
    let default = match alias {
        Some(alias) => alias.dialect.default_of(STRATEGY.name).or(STRATEGY.default),
        None => assembly.local.get(STRATEGY.name).map(|value| &*value.text).or(STRATEGY.default),
    };
    assembly.strategy.or(default).unwrap_or_default().to_owned()
}

/// The option that holds a pipeline.
fn pipeline<'a>(assembly: &Assembly<'a>, strategy: &str) -> Option<&'a Value> {
    pipelines(assembly).find(|(name, _)| *name == strategy).map(|(_, pipeline)| pipeline)
}

/// The options that are pipelines: all but our own, which is not OpenStack's.
fn pipelines<'a>(assembly: &Assembly<'a>) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let native = FactoryId::of(assembly.factory) == FactoryId::native(DEFINITION.name);
    let options = assembly.local.iter().map(|(name, value)| (&**name, value));
    options.filter(move |(name, _)| !(native && *name == STRATEGY.name))
}

fn unknown(assembly: &Assembly<'_>, strategy: &str) -> Diagnostic {
    let names: Vec<_> = pipelines(assembly).map(|(name, _)| name).collect();
    let place = assembly.local.get(STRATEGY.name).and_then(|value| value.span).or(assembly.place);
    let message = format!("`{}` has no pipeline `{strategy}`", assembly.factory);
    let diagnostic = Diagnostic::error("unknown-strategy", message).at(place).class("KeyError");
    if names.is_empty() {
        return diagnostic.help(format!("add `{strategy} = …`: filters and an app"));
    }
    diagnostic
        .suggest(strategy, names.iter().copied(), assembly.sources)
        .help(format!("it has `{}`; `--strategy` chooses one", names.join("`, `")))
}

/// A pipeline that was chosen by its name.
#[derive(Debug)]
struct Chosen {
    strategy: Arc<str>,
}

impl Plan for Chosen {
    fn kind(&self) -> &'static str {
        "pipeline_factory"
    }

    fn show(&self, mut apps: Vec<Json>, filters: Vec<Json>) -> Map<String, Json> {
        let (filters, app) = (Json::Array(filters), apps.pop().unwrap_or_default());
        object([("strategy", json!(*self.strategy)), ("filters", filters), ("app", app)])
    }

    fn build(&self, mut apps: Vec<App>, filters: Vec<Filter>) -> Result<App, Error> {
        let app =
            apps.pop().ok_or_else(|| Error::new("a pipeline has no app; please report this"))?;
        Ok(app.behind(&filters))
    }

    fn flow(&self) -> Flow {
        Flow::Pipeline { name: Arc::clone(&self.strategy) }
    }

    fn route(&self, _: &Request) -> Route {
        let reason = format!("`{}` was chosen when the file was loaded", self.strategy);
        Route { turns: vec![Turn { key: None, app: 0, mount: 0 }], reason }
    }
}

/// Those of Glance and Heat are chosen by `[paste_deploy] flavor`.
const FLAVOR: Dialect = Dialect::new().defaults(&[("strategy", "default")]);

const NO_LIMIT: &str = "Where `api_rate_limit` is off, the original takes the pipeline whose name \
                        ends in `_nolimit`; here `--strategy` names it.";

const ALIASES: &[Alias] = &[
    Alias::of("charging.auth:pipeline_factory"),
    Alias::of("cinder.api.auth:pipeline_factory").note(NO_LIMIT),
    Alias::of("cinder.api.middleware.auth:pipeline_factory").note(NO_LIMIT),
    Alias::of("congress.auth:pipeline_factory"),
    Alias::of("dalek.api.auth:pipeline_factory"),
    Alias::of("designate.api.middleware:auth_pipeline_factory"),
    Alias::of("ec2api.api.auth:pipeline_factory"),
    Alias::of("example.api.middleware:auth_pipeline_factory"),
    Alias::of("gceapi.auth:pipeline_factory"),
    Alias::of("glance.api:pipeline_factory").dialect(FLAVOR),
    Alias::of("heat.api:pipeline_factory").dialect(FLAVOR),
    Alias::of("manila.api.middleware.auth:pipeline_factory").note(NO_LIMIT),
    Alias::of("masakari.api.auth:pipeline_factory_v1"),
    Alias::of("netforce.api.auth:pipeline_factory"),
    Alias::of("neutron.auth:pipeline_factory"),
    Alias::of("nova.api.auth:pipeline_factory").note(NO_LIMIT),
    Alias::of("nova.api.auth:pipeline_factory_v21"),
    Alias::of("nova.api.auth:pipeline_factory_v3"),
    Alias::of("quantum.auth:pipeline_factory")
        .retired(super::RENAMED, "neutron.auth:pipeline_factory"),
    Alias::of("sgservice.api.middleware.auth:pipeline_factory"),
    Alias::of("tacker.auth:pipeline_factory"),
    Alias::of("traffic.api.auth:pipeline_factory"),
];

#[cfg(test)]
mod tests {
    use crate::builtin::fixture::{get, plan, text};
    use crate::registry::Flow;

    const NOVA: &str = "[composite:a]\nuse = call:nova.api.auth:pipeline_factory_v21\n";

    #[test]
    fn asks_for_filters_then_the_app_without_globals() {
        let planned = plan(&format!("{NOVA}noauth = x y\nkeystone = cors auth\n  api\n"), None);
        assert_eq!(planned.faults(), [""; 0]);
        let expected = ["filter cors", "filter auth", "app api"];
        assert_eq!(planned.asked, expected.map(|asked| format!("{asked} without globals")));
    }

    #[test]
    fn the_operators_choice_comes_first() {
        let section = "[composite:a]\nuse = egg:pasteline#strategy\nstrategy = b\na = x\nb = y\n";
        assert_eq!(plan(section, None).asked, ["app y without globals"]);
        assert_eq!(plan(section, Some("a")).asked, ["app x without globals"]);
    }

    #[test]
    fn each_factory_has_its_own_default() {
        let glance =
            "[composite:a]\nuse = glance.api:pipeline_factory\nkeystone = x\ndefault = y\n";
        assert_eq!(plan(glance, None).asked, ["app y without globals"]);
        assert_eq!(plan(&format!("{NOVA}keystone = x\n"), None).asked, ["app x without globals"]);
    }

    #[test]
    fn openstack_may_call_a_pipeline_strategy() {
        let planned = plan(&format!("{NOVA}strategy = x\n"), Some("strategy"));
        assert_eq!(planned.asked, ["app x without globals"]);
    }

    #[test]
    fn says_which_pipelines_there_are() {
        let planned = plan(&format!("{NOVA}keystone2 = x\nnoauth = y\n"), None);
        let message = "`call:nova.api.auth:pipeline_factory_v21` has no pipeline `keystone`";
        assert_eq!(planned.faults(), [format!("test.ini:2:7: error[unknown-strategy]: {message}")]);
        assert_eq!(planned.classes(), ["KeyError"]);
        let help =
            ["did you mean `keystone2`?", "it has `keystone2`, `noauth`; `--strategy` chooses one"];
        assert_eq!(planned.diagnostics[0].help, help);
    }

    #[test]
    fn an_empty_pipeline_is_refused() {
        let planned = plan(&format!("{NOVA}keystone =\n"), None);
        let message = "test.ini:3:1: error[empty-pipeline]: the pipeline `keystone` is empty";
        assert_eq!(planned.faults(), [message]);
        assert_eq!(planned.classes(), ["IndexError"]);
    }

    #[tokio::test]
    async fn is_the_chosen_pipeline() {
        let app = plan(&format!("{NOVA}keystone = cors api\n"), None).app();
        assert_eq!(text(get(&app, "/x").await).await, "api  /x");
    }

    #[test]
    fn is_drawn_as_the_chosen_pipeline() {
        let planned = plan(&format!("{NOVA}noauth = cors api\nkeystone = api\n"), Some("noauth"));
        let flow = planned.plan.unwrap().flow();
        assert_eq!(flow, Flow::Pipeline { name: "noauth".into() });
    }
}
