//! How `run` follows its manifests, whatever way they are written.

use std::os::unix::fs::symlink;

use crate::support::{ADA, MANAGEMENT, REGIONS, SHOP, SMALL, Stage, edited, everything};

const CELL: (&str, &str) = (ADA, "us-east-1");

fn another_word() -> String {
    edited(&everything(), "heliotrope", "vermilion")
}

/// Waits until version `number` of the guardrail is in force for everybody.
async fn in_force(stage: &Stage, number: u32) {
    stage
        .eventually(&format!("version {number} is in force"), || async {
            let suffix = format!(":{number}");
            let live = stage.enforced_version(CELL).await?;
            let effective = stage.effective(SHOP).await;
            let all = effective.len() == REGIONS.len()
                && effective.values().all(|version| version.ends_with(&suffix));
            (live.ends_with(&suffix) && all).then_some(())
        })
        .await;
}

async fn started(manifests: &str) -> Stage {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", manifests);
    stage.run().await;
    in_force(&stage, 1).await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_manifest_is_picked_up() {
    let stage = started(&everything()).await;
    stage.manifest("all.yaml", &another_word());
    in_force(&stage, 2).await;
    stage.logged(&["accepted", "generation=2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_manifest_leaves_the_last_good_ones_in_force_until_it_is_mended() {
    let stage = started(&everything()).await;
    stage.at_rest().await;
    // An editor was stopped half way: the guardrail is there, the rest is not.
    let half = another_word().split_at(another_word().len() / 2).0.to_owned() + "\n  targets: [";
    stage.manifest("all.yaml", &half);
    stage.logged(&["ERROR", "all.yaml:"]).await;
    stage.logged(&["ERROR", "last good generation stays in force", "generation=1"]).await;
    stage.forget_calls().await;
    stage.delete_enforced(CELL).await;
    in_force(&stage, 1).await;
    let writes = stage.writes().await;
    assert!(
        writes.iter().all(|it| it.starts_with("bedrock:PutEnforced")),
        "drift is put right meanwhile, and nothing else is done: {writes:?}"
    );
    stage.manifest("all.yaml", &another_word());
    in_force(&stage, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_manifests_at_the_start_write_nothing_until_they_are_mended() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &edited(&everything(), "shareWith:", "sharedWith:"));
    stage.run().await;
    stage.logged(&["ERROR", "all.yaml:", "sharedWith"]).await;
    stage.logged(&["ERROR", "nothing is written until they are"]).await;
    assert_eq!(stage.writes().await, Vec::<String>::new());
    stage.manifest("all.yaml", &everything());
    in_force(&stage, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_folder_content_takes_nothing_away() {
    let stage = started(&everything()).await;
    stage.at_rest().await;
    stage.remove("all.yaml");
    stage.logged(&["ERROR", "last good generation stays in force"]).await;
    stage.at_rest().await;
    in_force(&stage, 1).await;
    assert_eq!(stage.versions((MANAGEMENT, "us-east-1"), "baseline").await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_replaced_by_rename_is_picked_up() {
    let stage = started(&everything()).await;
    let new = stage.manifest(".all.yaml.tmp", &another_word());
    std::fs::rename(new, stage.folder.path().join("all.yaml")).unwrap();
    in_force(&stage, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_map_that_kubernetes_swaps_is_picked_up() {
    let mut stage = Stage::start(SMALL).await;
    let path = |name: &str| stage.folder.path().join(name);
    // As the kubelet lays it out: a dated folder, `..data` to it, a link for each file.
    std::fs::create_dir(path("..2026_01_01")).unwrap();
    std::fs::write(path("..2026_01_01/all.yaml"), everything()).unwrap();
    symlink("..2026_01_01", path("..data")).unwrap();
    symlink("..data/all.yaml", path("all.yaml")).unwrap();
    stage.run().await;
    in_force(&stage, 1).await;

    let path = |name: &str| stage.folder.path().join(name);
    std::fs::create_dir(path("..2026_01_02")).unwrap();
    std::fs::write(path("..2026_01_02/all.yaml"), another_word()).unwrap();
    symlink("..2026_01_02", path("..data_tmp")).unwrap();
    std::fs::rename(path("..data_tmp"), path("..data")).unwrap();
    std::fs::remove_dir_all(path("..2026_01_01")).unwrap();
    in_force(&stage, 2).await;
}
