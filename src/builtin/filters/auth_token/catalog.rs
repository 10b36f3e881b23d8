//! The catalog of services in the shape that Keystone's second API had.

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use super::document::{Endpoint, Service};
use super::python_json;

/// The text of a catalog, in which the endpoints of a region are one entry.
pub(super) fn older_shape(catalog: &[Service]) -> String {
    python_json::dumps(&catalog.iter().map(service).collect())
}

fn service(service: &Service) -> Json {
    let mut entry = Map::new();
    entry.insert("type".to_owned(), service.kind.clone().into());
    if let Some(name) = &service.name {
        entry.insert("name".to_owned(), name.clone());
    }
    let endpoints = service.endpoints.as_deref().unwrap_or_default();
    entry.insert("endpoints".to_owned(), regions(endpoints));
    entry.into()
}

fn regions(endpoints: &[Endpoint]) -> Json {
    let mut regions: IndexMap<Option<&str>, Map<String, Json>> = IndexMap::new();
    for Endpoint { region, interface, url } in endpoints {
        let region = region.as_deref();
        let entry = regions.entry(region).or_insert_with(|| {
            let named = region.filter(|region| !region.is_empty());
            named.map(|region| ("region".to_owned(), region.into())).into_iter().collect()
        });
        entry.insert(format!("{}URL", interface.to_lowercase()), url.clone().into());
    }
    regions.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_of_a_region_are_one_entry() {
        let catalog = r#"[
            {"type": "identity", "name": "keystone", "id": "1", "endpoints": [
                {"id": "2", "region": "one", "interface": "public", "url": "http://a"},
                {"id": "3", "region": "two", "interface": "public", "url": "http://b"},
                {"id": "4", "region": "one", "interface": "Admin", "url": "http://c"},
                {"id": "5", "region": null, "interface": "internal", "url": "http://d"}
            ]},
            {"type": "network", "endpoints": []}
        ]"#;
        let catalog: Vec<Service> = serde_json::from_str(catalog).unwrap();
        let expected = concat!(
            r#"[{"type": "identity", "name": "keystone", "endpoints": ["#,
            r#"{"region": "one", "publicURL": "http://a", "adminURL": "http://c"}, "#,
            r#"{"region": "two", "publicURL": "http://b"}, {"internalURL": "http://d"}]}, "#,
            r#"{"type": "network", "endpoints": []}]"#,
        );
        assert_eq!(older_shape(&catalog), expected);
    }
}
