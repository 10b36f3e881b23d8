//! Settings as a whole: what counts, and what is told.

use std::path::PathBuf;

use super::*;
use crate::settings::{Group as Place, GroupSpec, Seconds};

/// What is read of texts, as files in their order.
fn read(texts: &[&str], variables: &[(&str, &str)]) -> (Config, Vec<String>) {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let directory =
        std::env::temp_dir().join(format!("pasteline-{}-config-{number}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = |(number, text): (usize, &&str)| {
        let path = directory.join(format!("{number}.conf"));
        std::fs::write(&path, text).unwrap();
        ConfigPath::File(path)
    };
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let input = Input {
        paths: texts.iter().enumerate().map(file).collect(),
        variables: variables.iter().map(pair).collect(),
        ..Input::default()
    };
    let mut sources = Sources::default();
    let (config, diagnostics) = Config::read(&input, &mut sources);
    std::fs::remove_dir_all(&directory).unwrap();
    let told = diagnostics.iter().map(|found| {
        let place = found.span.map(|span| {
            let (line, column) = sources.get(span.source).line_and_column(span.start as usize);
            format!("{line}:{column} ")
        });
        let severity = found.severity.name();
        format!("{}{severity}[{}] {}", place.unwrap_or_default(), found.slug, found.message)
    });
    (config, told.collect())
}

/// The options of a server that settings give, over those of its section.
fn served(text: &str, section: &[(&str, &str)]) -> Vec<String> {
    let (config, told) = read(&[text], &[]);
    assert_eq!(told, [""; 0]);
    let value = |text: &str| Value { text: text.into(), key_span: None, span: None };
    let mut conf: Conf = section.iter().map(|(key, text)| ((*key).into(), value(text))).collect();
    config.lay_over(&mut conf, &Dialect::new().renamed(&[("listen", "bind")]));
    let mut options: Vec<_> =
        conf.iter().map(|(key, value)| format!("{key}={}", value.text)).collect();
    options.sort();
    options
}

#[test]
fn reads_a_neutron_conf_and_leaves_the_rest_of_it_alone() {
    let text = "\
[DEFAULT]
core_plugin = ml2
bind_port = 9_696
api_workers = 2
rpc_workers = 1
transport_url = rabbit://u:p@h

[keystone_authtoken]
www_authenticate_uri = http://k
memcached_servers = a:1,b:2
[ovs]
bridge = br
";
    let (config, told) = read(&[text], &[]);
    assert_eq!(told, [""; 0]);
    assert_eq!(config.main.bind_port, Some(Whole(9696)));
    assert_eq!(config.main.api_workers, Some(Whole(2)));
    assert_eq!(config.main.backlog, None);
    let origins = config.chosen().iter().filter(|chosen| chosen.origin != Origin::Default);
    let origins: Vec<_> = origins.map(|chosen| chosen.option.name).collect();
    assert_eq!(origins, ["bind_port", "api_workers"]);
}

#[test]
fn the_environment_wins_over_later_files_and_they_over_earlier_ones() {
    let files = ["[DEFAULT]\nbacklog=1\ndebug=1\nuse_json=1", "[DEFAULT]\nbacklog=2\ndebug=0\n"];
    let variables = [("OS_DEFAULT__BACKLOG", "3")];
    let (config, told) = read(&files, &variables);
    assert_eq!(told, [""; 0]);
    let Main { backlog, debug, use_json, .. } = config.main;
    assert_eq!((backlog.unwrap().0, debug.0, use_json.0), (3, false, true));
}

#[test]
fn a_later_file_wins_by_an_old_name_and_within_a_file_the_new_one() {
    let old = "[DEFAULT]\nlogfile = old";
    let (config, _) = read(&["[DEFAULT]\nlog_file = new", old], &[]);
    assert_eq!(config.main.log_file.as_deref(), Some("old"));
    let (config, told) = read(&["[DEFAULT]\nlog_file = new\nlogfile = old"], &[]);
    assert_eq!(config.main.log_file.as_deref(), Some("new"));
    let expected = "3:1 warning[deprecated-option] option `logfile` of `[DEFAULT]` is deprecated";
    assert_eq!(told, [expected]);
}

#[test]
fn nova_has_names_of_its_own() {
    let text = "[DEFAULT]\nosapi_compute_listen_port=8774\n[WSGI]\nkeep_alive=off\n";
    let (config, told) = read(&[text], &[]);
    assert_eq!(told, [""; 0]);
    assert_eq!(config.main.bind_port, Some(Whole(8774)));
    assert!(!config.main.wsgi_keep_alive.0);
}

#[test]
fn tells_every_fault_at_once_at_its_place() {
    let text = "\
[DEFAULT]
api_workers = -1
backlog = banana
bind_port = 70000
bind_prot = 1
debug = maybe
log_file = /x/$nope
log_dir = ${log_dir}
use_ssl = on
wsgi_default_pool_size = 0
[pasteline]
usr = me
user = me
[ssl]
colour = red
";
    let (_, told) = read(&[text], &[]);
    let expected = [
        "5:1 warning[unknown-option] no option of `[DEFAULT]` is called `bind_prot`",
        "12:1 warning[unknown-option] no option of `[pasteline]` is called `usr`",
        "15:1 warning[unknown-option] no option of `[ssl]` is called `colour`",
        "4:13 error[bad-value] `bind_port` is refused: it should be less than or equal to 65535",
        "2:15 error[bad-value] `api_workers` is refused: it should be greater than or equal to 0",
        "3:11 error[bad-value] `backlog` is `banana`, expected a whole number",
        "10:26 error[bad-value] `wsgi_default_pool_size` is refused: it should be greater than or equal to 1",
        "6:9 error[bad-value] `debug` is `maybe`, expected `true`, `yes`, `on` or `1`, or `false`, `no`, `off` or `0`",
        "7:15 error[unknown-reference] `$nope` stands for no option",
        "8:11 error[circular-reference] `$log_dir` stands for itself",
        "9:11 error[missing-option] `use_ssl` needs the option `cert_file` of `[ssl]`",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_letter_less_is_a_slip() {
    let (_, told) = read(&["[DEFAULT]\napi_worker = 8\n"], &[]);
    let expected = "2:1 warning[unknown-option] no option of `[DEFAULT]` is called `api_worker`";
    assert_eq!(told, [expected]);
}

#[test]
fn a_bad_variable_is_shown_like_a_line() {
    let (_, told) = read(&[], &[("OS_DEFAULT__USE_JSON", "0"), ("OS_DEFAULT__BACKLOG", "x")]);
    assert_eq!(told, ["2:21 error[bad-value] `backlog` is `x`, expected a whole number"]);
}

#[test]
fn references_are_filled_in_as_python_writes_them() {
    let text = "\
[DEFAULT]
state_path = /var/lib/$service
service = neutron
backlog = 1_0
use_json = on
log_file = $state_path/$backlog-$use_json-$$-${ssl.version}-$debug
[ssl]
version = a$backlog
";
    let (config, told) = read(&[text], &[]);
    assert_eq!(told, [""; 0]);
    let expected = "/var/lib/neutron/10-True-$-a10-False";
    assert_eq!(config.main.log_file.as_deref(), Some(expected));
}

#[test]
fn a_value_that_grows_without_end_is_refused() {
    let double = |number| format!("a{} = $a{number}$a{number}\n", number + 1);
    let doubles: String = (0..40).map(double).collect();
    let text = format!("[DEFAULT]\na0 = xxxxxxxx\n{doubles}log_file = $a40\n");
    let (_, told) = read(&[&text], &[]);
    assert!(told.iter().any(|told| told.contains("[large-value]")), "{told:?}");
}

#[test]
fn what_does_not_count_is_checked_too() {
    let texts = ["[DEFAULT]\nbacklog = abc\nworkers = banana\n", "[DEFAULT]\nbacklog = 7\n"];
    let (config, told) = read(&texts, &[("OS_DEFAULT__API_WORKERS", "2")]);
    assert_eq!(config.main.backlog, Some(Whole(7)));
    assert_eq!(config.main.api_workers, Some(Whole(2)));
    let is_told = |part: &str| told.iter().any(|told| told.contains(part));
    assert!(is_told("`backlog` is `abc`") && is_told("`api_workers` is `banana`"), "{told:?}");
    assert_eq!(told.len(), 2);
}

#[test]
fn misspelt_variables_are_told() {
    let variables = [("OS_PASTELINE__ACCES_LOG", "x"), ("OS_DEFAULT__BIND_PROT", "1")];
    let (_, told) = read(&[""], &variables);
    let told = told.join(" ");
    assert!(told.contains("`[pasteline]` is called `acces_log`"), "{told}");
    assert!(told.contains("`[DEFAULT]` is called `bind_prot`"), "{told}");
}

#[test]
fn empty_is_no_number() {
    let (config, told) = read(&["[DEFAULT]\napi_workers =\nbacklog = ''\n"], &[]);
    assert_eq!(told, [""; 0]);
    assert_eq!((config.main.api_workers, config.main.backlog), (None, None));
}

#[test]
fn files_that_are_not_there_are_all_told() {
    let paths = ["/no-such-a", "/no-such-b"].map(|path| ConfigPath::File(path.into()));
    let input = Input {
        paths: [&paths[..], &[ConfigPath::Directory("/no-such-d".into())]].concat(),
        ..Input::default()
    };
    let (_, told) = Config::read(&input, &mut Sources::default());
    let told: Vec<_> = told.into_iter().map(|told| told.message).collect();
    assert!(told[0].contains("/no-such-a") && told[1].contains("/no-such-b"), "{told:?}");
    assert!(told[2].starts_with("failed to read config file directory `/no-such-d`"), "{told:?}");
}

#[test]
fn goes_over_the_options_of_the_section() {
    let text = "[DEFAULT]\nbind_port = 9696\napi_workers = 2\nwsgi_keep_alive = no\n";
    let expected = ["host=0.0.0.0", "keep_alive_timeout=0", "port=9696", "workers=2"];
    assert_eq!(served(text, &[("bind", "a:1"), ("workers", "7")]), expected);
    assert_eq!(served(text, &[("listen", "a:1")]), expected);
    let text = "[DEFAULT]\nbind_port = 1\nclient_socket_timeout = 900\n";
    let expected = [
        "body_timeout=900",
        "head_timeout=900",
        "host=h",
        "keep_alive_timeout=900",
        "port=1",
        "write_timeout=900",
    ];
    assert_eq!(served(text, &[("host", "h")]), expected);
    let text = "[DEFAULT]\nmax_header_line = 8192\nwsgi_default_pool_size = 100\n";
    assert_eq!(served(text, &[]), ["max_header_line=8192", "max_requests_in_flight=100"]);
    let century = format!("head_timeout={}", Seconds::MOST.as_secs());
    let never = served("[DEFAULT]\nclient_socket_timeout = 0\n", &[]);
    assert!(never.len() == 4 && never.contains(&century), "{never:?}");
    for (timeout, expected) in [("0.0", &[][..]), ("7", &["keep_alive_timeout=7"])] {
        let section = [("keep_alive_timeout", timeout)];
        assert_eq!(served("[DEFAULT]\nwsgi_keep_alive = true\n", &section), expected);
    }
    let text = "[DEFAULT]\nwsgi_log_format = %(client_ip)s\n[pasteline]\naccess_log = stdout\n";
    let expected = ["access_format=%(client_ip)s", "access_log=stdout"];
    assert_eq!(served(text, &[("access_format", "combined")]), expected);
    assert_eq!(served("[pasteline]\nuser = me\n", &[("user", "you")]), ["user=me"]);
}

#[test]
fn the_log_has_a_file_or_a_directory() {
    let log = |text: &str| read(&[text], &[]).0.log_file();
    assert_eq!(log(""), None);
    assert_eq!(log("[DEFAULT]\nlog_dir = /l\n"), Some(PathBuf::from("/l/pasteline.log")));
    assert_eq!(log("[DEFAULT]\nlog_dir = /l\nlog_file = a\n"), Some(PathBuf::from("/l/a")));
    assert_eq!(log("[DEFAULT]\nlog_dir=/l\nlog_file=/b\n"), Some(PathBuf::from("/b")));
}

#[test]
fn nothing_is_looked_for_without_settings() {
    let (config, _) = Config::read(&Input::default(), &mut Sources::default());
    assert_eq!(config.paste_file(&Sources::default()).0, PathBuf::from("api-paste.ini"));
    let (config, _) = read(&["[DEFAULT]\napi_paste_config = /no/such/p.ini\n"], &[]);
    assert_eq!(config.paste_file(&Sources::default()).0, PathBuf::from("/no/such/p.ini"));
}

#[test]
fn a_group_with_capitals_is_looked_through_like_any_other() {
    for (name, header) in [("Tea", "tea"), ("tea", "TEA"), ("Tea", "Tea")] {
        let (config, _) = read(&[&format!("[{header}]\ncups = 2\nsugar = 1\n")], &[]);
        let options = vec![("cups", &Main::OPTIONS[0])];
        let group = GroupSpec { options, ..GroupSpec::of(Place::Own(name)) };
        let told = config.groups().unknown(&[group]);
        let told: Vec<_> = told.iter().map(|found| &*found.message).collect();
        assert_eq!(told, [format!("no option of `[{name}]` is called `sugar`")]);
    }
}
