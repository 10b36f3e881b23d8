//! Secrets never reach the terminal, whatever is wrong around them.

use crate::support::Test;

/// Files with the secret `lemon` in or beside what is told about.
const FILES: &[&str] = &[
    // On the line at fault, in a value that goes on, as a part of one.
    "[filter:main]\nuse = egg:pasteline#cors\nadmin_password = lemon\n",
    "[filter:main]\nuse = egg:pasteline#cors\nhmac_keys =\n  lemon\n  lemonade\n",
    "[app:main]\nuse = egg:pasteline#proxy\nupstream = http://me:lemon@db:80/\n",
    "[app:main]\nuse = egg:pasteline#proxy\nupstream = ftp://me:lemon@db\n",
    "[filter:main]\nuse = egg:pasteline#sizelimit\nmax_request_body_size = redis://me:lemon@db\n",
    "[app:main]\nuse = egg:pasteline#healthcheck\nbackends = x://me:lemon@db\n",
    "[filter:main]\nuse = egg:pasteline#headers\nset_request = X-Token: le\u{1}mon lemon\n",
    // What is no reference, and what is one.
    "[filter:main]\nuse = egg:pasteline#cors\nadmin_password = lemon%\n",
    "[filter:main]\nuse = egg:pasteline#cors\nadmin_password = 50%(lemon)\n",
    "[filter:main]\nuse = egg:pasteline#cors\nadmin_password = lemon%(none)s\n",
    "[DEFAULT]\nsour = lemon\n[filter:main]\nuse = egg:pasteline#cors\nadmin_password = %(sour)s\n",
    "[filter:main]\nuse = egg:pasteline#sizelimit\nset_x = 1\nadmin_password = lemon
max_request_body_size = %(admin_password)s\n",
    // Between two places that are shown, in a comment too.
    "[app:main]\nadmin_password = lemon\n# old_password = lemon\nuse = egg:pasteline#eco\nuse = a\n",
    "[app:a]\nadmin_password = lemon\n[app:a]\nadmin_password = lemon\n",
    "[app:a]\nadmin_password = lemon\nadmin_password = lemonade\n",
    // Lines that are nothing, or not what they seem.
    "admin_password = lemon\n",
    "[app:main]\nuse = egg:pasteline#echo\nadmin_password lemon\n",
    "[app:main]\nuse = egg:pasteline#pass\nhmac_keys = a,\nlemon\n",
    "[filter:main]\nuse = egg:pasteline#pass\nhmac_keys = a\n  lemon=\n",
    "[filter:main]\nuse = egg:pasteline#pass\nother = a\n  admin_password = lemon\n",
    "[filter:main]\nuse = egg:pasteline#pass\nother = a ; admin_password = lemon\n",
    "[filter:main]\nuse = egg:pasteline#pass\nadmin_password = a # lemon\n",
    "[admin_password: lemon\nuse = egg:pasteline#pass\n",
    // In what names something.
    "[app:main]\nuse = http://me:lemon@db\n",
    "[composite:main]\nuse = egg:Paste#urlmap\n/ = http://me:lemon@db\nhttp://me:lemon@db = x\n",
    "[pipeline:main]\npipeline = a://me:lemon@db b\n",
    "[DEFAULT]\nadmin_password = a\n[app:main]\nuse = egg:pasteline#echo\nadmin_password = lemon\n",
];

#[test]
fn no_secret_is_told_in_any_format() {
    for ini in FILES {
        for format in ["text", "text --color always", "short", "json", "sarif"] {
            let test = Test::new().ini(ini).arguments("--format").arguments(format);
            let finished = test.validate();
            let told = format!("{}{}", finished.stdout, finished.stderr);
            assert!(told.contains("api-paste.ini"), "{ini}\n{told}");
            assert!(!told.contains("lemon"), "{ini}\n{told}");
        }
    }
}

#[test]
fn no_command_tells_a_secret() {
    let ini =
        "[app:main]\nuse = egg:pasteline#echo\nadmin_password lemon\nadmin_password = lemon\n";
    for command in ["serve", "show", "graph", "route api-paste.ini GET /", "fmt"] {
        let finished = Test::new().ini(ini).arguments(command).run().status(1);
        assert!(finished.stderr.contains("admin_password *****"), "{command}: {finished:#?}");
        assert!(!finished.stderr.contains("lemon"), "{command}: {finished:#?}");
    }
}

/// Files that can be loaded, in which `lemon` comes to options of other names.
const LOADABLE: &[&[(&str, &str)]] = &[
    // What `get` gets has been set to something else since.
    &[(
        "api-paste.ini",
        "[DEFAULT]\nadmin_password = lemon\n[app:main]\nuse = base\n[app:base]\nuse = inner\n\
         get body = admin_password\n[app:inner]\nuse = egg:pasteline#respond\n\
         set admin_password = other\n",
    )],
    &[(
        "api-paste.ini",
        "[DEFAULT]\nadmin_password = lemon\ntea = hot %(admin_password)s\n[app:main]\n\
         use = base\n[app:base]\nuse = inner\nget body = tea\n[app:inner]\n\
         use = egg:pasteline#respond\nset tea = other\n",
    )],
    &[(
        "api-paste.ini",
        "[DEFAULT]\nadmin_password = lemon\n[app:main]\nuse = base\n\
         set tea = %(admin_password)s\n[app:base]\nuse = inner\nget body = tea\n[app:inner]\n\
         use = egg:pasteline#respond\nset tea = other\n",
    )],
    // References lead to another file.
    &[
        (
            "api-paste.ini",
            "[DEFAULT]\nadmin_password = lemon\ntea = hot %(admin_password)s\n[app:main]\n\
             use = config:inc.ini#x\n",
        ),
        ("inc.ini", "[app:x]\nuse = egg:pasteline#respond\nbody = %(tea)s\n"),
    ],
    &[
        (
            "api-paste.ini",
            "[DEFAULT]\nadmin_password = lemon\ntea = hot %(admin_password)s\n[app:main]\n\
             use = config:inc.ini#x\n",
        ),
        (
            "inc.ini",
            "[app:x]\nuse = egg:pasteline#respond\nset tea = %(tea)s\nset pot = %(tea)s\n\
             body = %(tea)s\n",
        ),
    ],
    // They are a part of a name.
    &[(
        "api-paste.ini",
        "[DEFAULT]\nadmin_password = lemon\n[app:main]\nuse = egg:%(admin_password)s#x\n",
    )],
];

#[test]
fn no_secret_is_shown_under_another_name() {
    for files in LOADABLE {
        for command in ["show", "show --origin", "show --sections", "graph", "graph --format svg"] {
            let test = files.iter().fold(Test::new(), |test, (name, text)| test.file(name, text));
            let finished = test.arguments(command).run();
            let told = format!("{}{}", finished.stdout, finished.stderr);
            assert!(told.contains("main"), "{command} {finished:#?}");
            assert!(!told.contains("lemon"), "{command} {finished:#?}");
        }
    }
}

/// Files with secrets of all kinds, each with `lemon` in it: under a name of its own, of several
/// lines, in URLs, by references and `get`, in what is included and in what lies over it.
const EVERYWHERE: &[(&str, &str)] = &[
    (
        "api-paste.ini",
        "[DEFAULT]\npot = lemon-pot\nset admin_password = lemon-set\n\
         db = mysql://me:lemon-url@db/x\nqueue = a://me:80/lemon-port@h\n\
         [composite:main]\nuse = egg:pasteline#urlmap\n/ = a\n/inner = config:inc.ini#x\n\
         [app:a]\nuse=egg:pasteline#respond\nbody=%(db)s %(queue)s %(pot)s\n\
         get title = admin_password\nmy_token=x%(pot)s\nmy_secret=lemon-own\n\
         [filter:b]\nuse = egg:pasteline#cors\nhmac_keys=\n  lemon-first\n # lemon-old\n  lemon-second\n",
    ),
    (
        "inc.ini",
        "[app:x]\nuse = egg:pasteline#respond\nset tea = hot %(pot)s\nbody = %(pot)s\n\
         get title = tea\nmy_password = lemon-inner\n",
    ),
    ("over.ini", "[app:a]\nmy_secret = lemon-over\nset other_pass = %(pot)s\n"),
];

/// What makes it a file that cannot be loaded, at secrets.
const FAULTY: &str = "[app:c]\nuse = egg:pasteline#respond\nmy_token = lemon-bad%\nbdoy = %(pot)s\n\
                      status = %(my_token)s\nmy_pwd lemon-bare\n[pipeline:d]\npipeline = %(pot)s a\n";

/// All commands that tell of files, but those that are verbatim.
const TELLING: &[&str] = &[
    "fix --diff",
    "fix --diff --overlay over.ini",
    "fix --diff --unsafe",
    "fmt --check",
    "fmt --diff",
    "graph",
    "graph --format dot",
    "graph --format mermaid",
    "graph --format svg --overlay over.ini",
    "route api-paste.ini GET /inner/x",
    "route api-paste.ini GET / --format json",
    "show --all --origin",
    "show --all --overlay over.ini",
    "show --name b --type filter --origin",
    "show --origin --overlay over.ini",
    "show --sections --origin --overlay over.ini",
    "show --sections",
    "show",
    "validate --format json",
    "validate --format sarif",
    "validate --format short",
    "validate --overlay over.ini",
];

#[test]
fn no_secret_is_in_anything_that_people_see() {
    for faults in ["", FAULTY] {
        for command in TELLING {
            let test = EVERYWHERE.iter().fold(Test::new(), |test, (name, text)| {
                let faults = if *name == "api-paste.ini" { faults } else { "" };
                test.file(name, format!("{text}{faults}"))
            });
            let finished = test.arguments(command).run();
            let told = format!("{}{}", finished.stdout, finished.stderr);
            assert!(!told.is_empty(), "{command}");
            assert!(!told.contains("lemon"), "{command} {finished:#?}");
        }
    }
}

#[test]
fn what_is_no_secret_is_shown_wherever_it_comes_from() {
    let main = "[DEFAULT]\npot = blue\ntea = hot %(pot)s\n[app:main]\nuse = config:inc.ini#x\n";
    let inner = "[app:x]\nuse = y\nget title = pot\nbody = %(tea)s\n[app:y]\n\
                 use = egg:pasteline#respond\nset tea = cold\n";
    let show =
        |inner: &str| Test::new().ini(main).file("inc.ini", inner).arguments("show --origin").run();
    let kept = show(&inner.replace("set tea = cold\n", ""));
    kept.prints("body = hot blue").prints("%(tea)s is hot %(pot)s").prints("title = blue");
    // Nobody knows any more that it was made of no secret.
    show(inner).prints("body = ****").prints("title = blue");
}

#[test]
fn no_secret_is_told_that_is_a_part_of_a_name() {
    let ini = "[DEFAULT]\nadmin_password = lemon\n[app:main]\nuse = %(admin_password)s\n\
               [pipeline:c]\npipeline = f%(admin_password)s main\n[filter:d]\n\
               use = egg:%(admin_password)s#x\n[app:e]\n\
               paste.app_factory = %(admin_password)s x\n[app:g]\n\
               use = config:%(admin_password)s.ini\n[app:h]\nuse = %(admin_password)s:x\n";
    for format in ["text", "short", "json", "sarif"] {
        let finished = Test::new().ini(ini).arguments("--format").arguments(format).validate();
        let told = format!("{}{}", finished.stdout, finished.stderr);
        assert!(told.contains("no app is called `****`"), "{told}");
        assert!(!told.contains("lemon"), "{told}");
    }
}

#[test]
fn no_difference_tells_a_secret() {
    let ini = "[app:main]\nuse=egg:pasteline#echo\nadmin_password=lemon%\n  lemonade\n";
    let before = "\n-admin_password=******\n";
    let test = Test::new().ini(ini).arguments("fix --diff").run();
    test.prints(before).prints("\n+admin_password=*******\n");
    let inline = "[app:main]\nuse = egg:pasteline#echo\nadmin_password = tea # until lemon\n";
    let test = Test::new().ini(inline).arguments("fix --unsafe --diff").run();
    test.prints("\n+# ***** *****\n+admin_password = ***\n");
    let test = Test::new().ini(&ini.replace('%', "")).arguments("fmt --diff").run();
    test.prints("\n-admin_password=*****\n-  ********\n")
        .prints("\n+admin_password = *****\n+    ********\n");
}

#[test]
fn carets_stand_right_beside_what_is_hidden() {
    let ini = "[app:main]\nuse = egg:pasteline#echo\nadmin_password = l\u{e9}mon% lemon\n";
    Test::new().ini(ini).validate().status(1).tells(
        "
3 | admin_password = *\u{d7}**** *****
  |                       ^ expected `%%` or `%(name)s`
",
    );
}
