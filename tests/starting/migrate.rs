use crate::harness::{Failure, Server};

fn migrate(option: &str, value: &str) -> Failure {
    Server::wsgi("").application(None).bind(None).args([option, value]).fail()
}

#[test]
fn a_command_line_that_can_be_used_exits_0() {
    let done = migrate("--from-gunicorn", "/srv/venv/bin/gunicorn -w 3 --worker-tmp-dir /dev/shm shop.wsgi");
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    assert!(done.stdout.starts_with("/srv/venv/bin/rwsgi -w 3 shop.wsgi\n\n"), "{}", done.stdout);
    assert!(done.stdout.contains(
        "\nWithout effect; options of the command line are left out above:\n  --worker-tmp-dir /dev/shm\n"
    ));
    assert!(done.stdout.contains("`/srv/venv/bin/pip install rwsgi`"));
}

#[test]
fn one_with_refused_options_exits_1() {
    let done = migrate("--from-gunicorn", "gunicorn -k gevent shop.wsgi");
    assert_eq!((done.code, done.stderr.as_str()), (Some(1), ""));
    assert!(done.stdout.starts_with("rwsgi shop.wsgi\n\nRefused"), "{}", done.stdout);
    assert!(done.stdout.contains("--threads N"));
}

#[test]
fn what_is_no_gunicorn_exits_2() {
    let done = migrate("--from-gunicorn", "uwsgi --ini shop.ini");
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""));
    assert!(
        done.stderr.contains("there is no start of Gunicorn in `uwsgi --ini shop.ini`\nhint: "),
        "{}",
        done.stderr
    );
}

#[test]
fn a_unit_is_read_with_the_settings_file_of_its_directory_and_nothing_is_executed() {
    let start = Server::wsgi("").application(None).bind(None);
    let folder = start.folder().to_owned();
    let outside = tempfile::tempdir().unwrap();
    let mark = outside.path().join("executed");
    let unit = format!(
        "[Service]\nWorkingDirectory={}\nExecStart=/srv/venv/bin/gunicorn app:application\n",
        folder.display()
    );
    let settings = format!("timeout = 60\nopen('{}', 'w')\n", mark.display());
    let done = start
        .file("shop.service", &unit)
        .file("gunicorn.conf.py", &settings)
        .args(["--from-unit", "shop.service"])
        .fail();
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let expected = "shop.service:\n- ExecStart=/srv/venv/bin/gunicorn app:application\n+ ExecStart=/srv/venv/bin/rwsgi app:application\n";
    assert!(done.stdout.starts_with(expected), "{}", done.stdout);
    assert!(done.stdout.contains("  timeout in gunicorn.conf.py:1\n"));
    assert!(!mark.exists());
}

#[test]
fn a_unit_that_is_not_there_exits_1() {
    let done = migrate("--from-unit", "/nowhere/shop.service");
    assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""));
    assert!(
        done.stderr.contains("cannot read the unit file `/nowhere/shop.service`: No such file"),
        "{}",
        done.stderr
    );
}
