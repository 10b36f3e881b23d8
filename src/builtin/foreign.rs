//! Python factories without a native form of which something is known.

use crate::registry::Foreign;

/// All of them, in alphabetical order.
pub(super) const ALL: &[Foreign] = &[
    Foreign::retired("egg:oslo.middleware#ssl", SSL, HTTP_PROXY),
    Foreign::retired("egg:swift3#s3token", SWIFT3, Some("egg:swift#s3token")),
    Foreign::retired("egg:swift3#swift3", SWIFT3, Some("egg:swift#s3api")),
    Foreign::retired("keystone.middleware.auth_token:filter_factory", MOVED, AUTH_TOKEN),
    Foreign::retired("keystoneclient.middleware.auth_token:app_factory", CLIENT, AUTH_TOKEN_APP),
    Foreign::retired("keystoneclient.middleware.auth_token:filter_factory", CLIENT, AUTH_TOKEN),
    Foreign::retired("keystoneclient.middleware.s3_token:filter_factory", CLIENT, S3_TOKEN),
    Foreign::retired("keystonemiddleware.ec2_token:app_factory", TOKENS, None),
    Foreign::retired("keystonemiddleware.ec2_token:filter_factory", TOKENS, None),
    Foreign::retired("keystonemiddleware.s3_token:filter_factory", TOKENS, S3_TOKEN),
    Foreign::retired("oslo.middleware.ssl:SSLMiddleware.factory", SSL, HTTP_PROXY),
    Foreign::retired("oslo_middleware.ssl:SSLMiddleware.factory", SSL, HTTP_PROXY),
    Foreign::retired("oslo_middleware:SSLMiddleware.factory", SSL, HTTP_PROXY),
];

const CLIENT: &str = "was removed from python-keystoneclient 2.1.0";
const MOVED: &str = "left Keystone for python-keystoneclient, and that for keystonemiddleware";
const SSL: &str = "was removed from oslo.middleware 6.0.0";
const SWIFT3: &str = "became a part of Swift in 2.18.0";
const TOKENS: &str = "was removed from keystonemiddleware 12.0.0";

const AUTH_TOKEN: Option<&str> = Some("keystonemiddleware.auth_token:filter_factory");
const AUTH_TOKEN_APP: Option<&str> = Some("keystonemiddleware.auth_token:app_factory");
const HTTP_PROXY: Option<&str> = Some("oslo_middleware:HTTPProxyToWSGI.factory");
const S3_TOKEN: Option<&str> = Some("egg:swift#s3token");
