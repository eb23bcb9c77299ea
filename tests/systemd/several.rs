//! Several sites on one PC.

use super::sandbox::{Sandbox, Site};

fn boot() -> Option<Sandbox> {
    let sandbox = Sandbox::boot(&[
        Site::instance("blog", "APPLICATION=blog.wsgi:application\nPORT=2929\nGREETING=a blog\n"),
        Site::instance(
            "shop",
            "APPLICATION=shop.wsgi:application\nPORT=3131\nOPTIONS=--threads 4 --workers 1\n",
        ),
    ])?;
    sandbox.start("rwsgi@blog rwsgi@shop");
    Some(sandbox)
}

#[test]
fn each_site_has_its_port_settings_and_log() {
    let Some(sandbox) = boot() else { return };
    let (blog, shop) = (sandbox.journal("rwsgi@blog"), sandbox.journal("rwsgi@shop"));
    blog.wait("Listening at: http://0.0.0.0:2929 ");
    blog.wait("] 2 workers ready");
    shop.wait("Listening at: http://0.0.0.0:3131 ");
    shop.wait("] 1 worker ready");
    assert!(!shop.text().contains("2929") && !blog.text().contains("3131"));
    let (mut blog, mut shop) = (sandbox.client(2929), sandbox.client(3131));
    assert_eq!(blog.get("/variable/GREETING").text(), "a blog");
    assert_eq!(shop.get("/variable/GREETING").text(), "None");
}

#[test]
fn no_site_sees_what_another_one_keeps() {
    let Some(sandbox) = boot() else { return };
    let (mut blog, mut shop) = (sandbox.client(2929), sandbox.client(3131));
    assert_eq!((blog.get("/visit").text(), blog.get("/visit").text()), ("1", "2"));
    assert_eq!(shop.get("/visit").text(), "1");
    assert_ne!(blog.get("/user").text(), shop.get("/user").text());
    let others = shop.get("/read/var/lib/private/blog/db.sqlite3");
    assert!(["FileNotFoundError", "PermissionError"].contains(&others.text()), "{}", others.text());
    let settings = shop.get("/read/etc/rwsgi/shop.env");
    assert_eq!(settings.text(), "PermissionError", "secrets come through the environment only");
}

#[test]
fn each_site_is_stopped_by_itself() {
    let Some(sandbox) = boot() else { return };
    let mut shop = sandbox.client(3131);
    let process = shop.get("/process");
    sandbox.run("systemctl restart rwsgi@blog");
    sandbox.run("systemctl stop rwsgi@blog");
    assert_eq!(shop.get("/process").text(), process.text());
    assert_eq!(sandbox.property("rwsgi@shop", "ActiveState"), "active");
}
