use std::fs;
use std::os::unix::fs::symlink;

use notify::event::{CreateKind, Flag, ModifyKind};

use super::*;

/// Long enough for a busy machine; a test that works never waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

/// Never polls within a test, so that a hint can only come from a notification.
const NO_POLL: WatchSettings = WatchSettings {
    settle: Duration::from_millis(20),
    settle_max: Duration::from_millis(500),
    poll: Duration::from_hours(1),
};

async fn watching(path: &Path) -> Hints {
    watch(&[path.to_owned()], Clock::system(), NO_POLL).await
}

/// Fails unless a hint comes.
async fn expect_hint(hints: &mut Hints, after: &str) {
    let hint = tokio::time::timeout(DEADLINE, hints.next()).await;
    assert_eq!(hint.ok(), Some(Hint::Notified), "no hint after: {after}");
}

/// Each change is waited for, so the next one meets watches that were set anew.
#[tokio::test]
async fn whatever_happens_in_a_directory_gives_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("manifests");
    fs::create_dir(&root).unwrap();
    let mut hints = watching(&root).await;

    let file = root.join("a.yaml");
    let steps: [(&str, &dyn Fn()); 7] = [
        ("create", &|| fs::write(&file, "1").unwrap()),
        ("write", &|| fs::write(&file, "2").unwrap()),
        ("an editor's rename over it", &|| {
            // Outside of what is watched: only the rename can be the hint.
            let new = dir.path().join("a.yaml.new");
            fs::write(&new, "3").unwrap();
            fs::rename(&new, &file).unwrap();
        }),
        ("new directory", &|| fs::create_dir(root.join("deep")).unwrap()),
        ("file in the new directory", &|| fs::write(root.join("deep/b.yaml"), "1").unwrap()),
        ("write in the new directory", &|| fs::write(root.join("deep/b.yaml"), "2").unwrap()),
        ("remove", &|| fs::remove_file(&file).unwrap()),
    ];
    for (name, step) in steps {
        step();
        expect_hint(&mut hints, name).await;
    }
}

/// Lays out what the kubelet does: the new data beside the old, and a link renamed over.
fn swap_data(mount: &Path, generation: u32) {
    let data = mount.join(format!("..2026_{generation}"));
    fs::create_dir(&data).unwrap();
    fs::write(data.join("a.yaml"), generation.to_string()).unwrap();
    symlink(data.file_name().unwrap(), mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
}

#[tokio::test]
async fn every_swap_of_a_kubernetes_config_map_gives_a_hint() {
    for watched in ["", "a.yaml"] {
        let dir = tempfile::tempdir().unwrap();
        swap_data(dir.path(), 0);
        symlink("..data/a.yaml", dir.path().join("a.yaml")).unwrap();
        let mut hints = watching(&dir.path().join(watched)).await;

        for generation in 1..4 {
            swap_data(dir.path(), generation);
            let expected = generation.to_string();
            // The first hint may be for the new data, before the link is renamed.
            loop {
                expect_hint(&mut hints, "swap").await;
                if fs::read_to_string(dir.path().join("a.yaml")).unwrap() == expected {
                    break;
                }
            }
            fs::remove_dir_all(dir.path().join(format!("..2026_{}", generation - 1))).unwrap();
            expect_hint(&mut hints, "removal of the old data").await;
        }
    }
}

#[tokio::test]
async fn a_directory_that_is_deleted_and_created_again_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("above/manifests");
    fs::create_dir_all(&root).unwrap();
    let mut hints = watching(&root).await;

    for above in [root.as_path(), root.parent().unwrap()] {
        fs::remove_dir_all(above).unwrap();
        expect_hint(&mut hints, "delete").await;
        // One level at a time, so that each is created before its parent is watched.
        fs::create_dir_all(root.parent().unwrap()).unwrap();
        if above != root {
            expect_hint(&mut hints, "create above").await;
        }
        fs::create_dir(&root).unwrap();
        expect_hint(&mut hints, "create").await;
        fs::write(root.join("a.yaml"), "1").unwrap();
        expect_hint(&mut hints, "write").await;
    }
}

#[tokio::test]
async fn a_link_in_the_path_is_followed_to_where_it_points_now() {
    let dir = tempfile::tempdir().unwrap();
    for release in ["1", "2"] {
        fs::create_dir_all(dir.path().join(release).join("manifests")).unwrap();
    }
    let current = dir.path().join("current");
    symlink("1", &current).unwrap();
    let mut hints = watching(&current.join("manifests")).await;

    fs::write(dir.path().join("1/manifests/a.yaml"), "1").unwrap();
    expect_hint(&mut hints, "write behind the link").await;

    symlink("2", dir.path().join("next")).unwrap();
    fs::rename(dir.path().join("next"), &current).unwrap();
    expect_hint(&mut hints, "link renamed over").await;
    fs::write(dir.path().join("2/manifests/a.yaml"), "2").unwrap();
    expect_hint(&mut hints, "write behind the new link").await;
}

#[tokio::test]
async fn a_file_replaced_again_and_again_stays_watched() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.yaml");
    fs::write(&file, "0").unwrap();
    let mut hints = watching(&file).await;
    for content in ["1", "2", "3"] {
        let new = dir.path().join("new");
        fs::write(&new, content).unwrap();
        fs::rename(&new, &file).unwrap();
        // The hint for writing the new file may come before it is renamed.
        loop {
            expect_hint(&mut hints, "rename over").await;
            if fs::read_to_string(&file).unwrap() == content {
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_watched_is_polled() {
    let settings = WatchSettings { poll: Duration::from_millis(1), ..NO_POLL };
    let missing = [PathBuf::from("/proc/self/no/such/path"), PathBuf::new()];
    let mut hints = watch(&missing, Clock::system(), settings).await;
    for _ in 0..3 {
        let hint = tokio::time::timeout(DEADLINE, hints.next()).await;
        assert_eq!(hint.ok(), Some(Hint::Poll));
    }
}

/// A bulk copy must not be read file by file. The burst is held open by a quiet period that
/// is longer than the test, so only its maximum can end it.
#[tokio::test]
async fn a_burst_is_one_hint() {
    let dir = tempfile::tempdir().unwrap();
    let settings =
        WatchSettings { settle: DEADLINE, settle_max: Duration::from_secs(1), ..NO_POLL };
    let clock = Clock::system();
    let mut hints = watch(&[dir.path().to_owned()], clock.clone(), settings).await;
    let start = clock.now();
    for file in 0..200 {
        fs::write(dir.path().join(format!("{file}.yaml")), "1").unwrap();
    }
    expect_hint(&mut hints, "burst").await;
    assert!(clock.now() >= start + settings.settle_max);
    assert!(hints.hints.try_recv().is_err(), "a second hint");
}

#[test]
fn only_what_may_change_a_path_is_a_change() {
    let (root, file) = (PathBuf::from("/etc/bedrail"), PathBuf::from("/srv/one.yaml"));
    let create = EventKind::Create(CreateKind::Any);
    let modify = EventKind::Modify(ModifyKind::Any);
    let close = |mode| EventKind::Access(AccessKind::Close(mode));
    for (name, kind, path, expect) in [
        ("inside", create, "/etc/bedrail/a.yaml", true),
        ("deep inside", modify, "/etc/bedrail/x/y/a.yaml", true),
        ("itself", create, "/etc/bedrail", true),
        ("above", create, "/etc", true),
        ("a neighbour", create, "/etc/passwd", false),
        ("a neighbour with its name as prefix", create, "/etc/bedrail2", false),
        ("the file", modify, "/srv/one.yaml", true),
        ("beside the file", create, "/srv/..data", true),
        ("read", EventKind::Access(AccessKind::Read), "/etc/bedrail/a.yaml", false),
        ("opened", EventKind::Access(AccessKind::Open(AccessMode::Any)), "/etc/bedrail", false),
        ("closed after reading", close(AccessMode::Read), "/etc/bedrail/a.yaml", false),
        ("closed after writing", close(AccessMode::Write), "/etc/bedrail/a.yaml", true),
    ] {
        let event = Event::new(kind).add_path(PathBuf::from(path));
        let paths = [root.clone(), file.clone()];
        assert_eq!(is_change(&event, &paths, &paths[1..]), expect, "{name}");
    }
    let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
    assert!(is_change(&overflow, &[root], &[]), "a queue that overflowed");
}
