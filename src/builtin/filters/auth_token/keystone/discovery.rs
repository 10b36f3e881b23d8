//! Finds Keystone's third API.

use http::{Method, StatusCode};
use serde_json::Value as Json;

use super::super::options::Url;
use super::wire::request;
use super::{Fault, Wire};

/// Where the third API of a Keystone is that is reached by a URL: as the URL says itself, else as
/// Keystone tells there, else below it.
pub(super) async fn third_api(url: &Url, wire: &Wire) -> Result<Url, Fault> {
    if url.as_str().ends_with("/v3") {
        return Ok(url.clone());
    }
    let answer = wire.send(&request(Method::GET, target(url, "/")?)).await?;
    let is_told = matches!(answer.status, StatusCode::OK | StatusCode::MULTIPLE_CHOICES);
    let told = if is_told { told(&answer.body) } else { None };
    if let Some(found) = told.and_then(|told| resolve(url, &told)) {
        return Ok(found);
    }
    let root = url.as_str().strip_suffix("/v2.0").unwrap_or(url.as_str());
    let guessed = Url::told(&format!("{root}/v3"));
    guessed.ok_or_else(|| Fault::Broken(format!("there is no API below {url}")))
}

/// The URL of something below another one.
pub(super) fn target(url: &Url, path: &str) -> Result<http::Uri, Fault> {
    url.join(path).ok_or_else(|| Fault::Broken(format!("{url}{path} is no URL")))
}

/// The link to the third API in a document of versions.
fn told(document: &[u8]) -> Option<String> {
    let document: Json = serde_json::from_slice(document).ok()?;
    let versions = document["versions"]["values"].as_array();
    let versions = versions.or_else(|| document["versions"].as_array());
    let only = document.get("version");
    let mut versions = versions.into_iter().flatten().chain(only);
    let third = versions.find(|version| version["id"].as_str().is_some_and(is_third))?;
    let links = third["links"].as_array()?;
    let own = links.iter().find(|link| link["rel"] == "self")?;
    own["href"].as_str().map(str::to_owned)
}

fn is_third(id: &str) -> bool {
    id == "v3" || id.starts_with("v3.")
}

/// A link of a document at a URL.
fn resolve(url: &Url, link: &str) -> Option<Url> {
    if link.starts_with('/') {
        let uri: http::Uri = url.as_str().parse().ok()?;
        return Url::told(&format!("{}://{}{link}", uri.scheme_str()?, uri.authority()?));
    }
    Url::told(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_api_is_found_in_any_document_of_versions() {
        let version = r#"{"id": "v3.14", "links": [{"rel": "x", "href": "no"},
            {"rel": "self", "href": "http://a/v3/"}]}"#;
        let second = r#"{"id": "v2.0", "links": [{"rel": "self", "href": "http://a/v2.0/"}]}"#;
        for document in [
            format!(r#"{{"versions": {{"values": [{second}, {version}]}}}}"#),
            format!(r#"{{"versions": [{version}]}}"#),
            format!(r#"{{"version": {version}}}"#),
        ] {
            assert_eq!(told(document.as_bytes()).as_deref(), Some("http://a/v3/"), "{document}");
        }
        for document in ["", "[]", "{}", r#"{"versions": {"values": []}}"#, second] {
            assert_eq!(told(document.as_bytes()), None, "{document}");
        }
    }

    #[test]
    fn a_link_may_be_a_path() {
        let url = Url::told("http://a:5000/identity").unwrap();
        assert_eq!(resolve(&url, "/identity/v3/"), Url::told("http://a:5000/identity/v3"));
        assert_eq!(resolve(&url, "https://b/v3"), Url::told("https://b/v3"));
    }
}
