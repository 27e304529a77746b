//! What programs read.

use serde_json::Value;

use crate::support::{Finished, SMALL, Stage, everything};

fn yaml(done: &Finished) -> Value {
    serde_yaml::from_str(&done.stdout).unwrap()
}

fn json(done: &Finished) -> Value {
    serde_json::from_str(&done.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn yaml_says_what_json_says() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    for command in ["plan", "validate", "verify"] {
        let [as_json, as_yaml] = ["json", "yaml"].map(|form| [command, "-o", form]);
        let (as_json, as_yaml) = (stage.finish(&as_json).await, stage.finish(&as_yaml).await);
        assert_eq!(yaml(&as_yaml), json(&as_json), "{command}");
        assert_eq!(as_yaml.code, as_json.code, "{command}");
        assert!(!as_yaml.stdout.starts_with('{'), "{as_yaml}");
    }
    let applied = stage.finish(&["apply", "-o", "yaml"]).await;
    let report = yaml(&applied);
    assert_eq!((applied.code, &report["kind"]), (0, &"ApplyReport".into()), "{applied}");
    let writes = report["writes"].as_array().unwrap().len();
    assert_eq!(writes, stage.writes().await.len());
}
