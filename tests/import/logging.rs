//! Invocation logging that others set up, as manifests.

use aws_sdk_bedrock::types::{LoggingConfig, S3Config};

use crate::REGIONS;
use crate::support::{ADA, MANAGEMENT, SEARCH, SHOP, SMALL, Stage};

impl Stage {
    async fn log_to(&self, (account, region): (&str, &str), bucket: &str, is_text_logged: bool) {
        let bucket = S3Config::builder().bucket_name(bucket).key_prefix("ai").build().unwrap();
        let config = LoggingConfig::builder().s3_config(bucket);
        let config = config.text_data_delivery_enabled(is_text_logged).build();
        let client = self.bedrock(account, region).await;
        let request = client.put_model_invocation_logging_configuration().logging_config(config);
        request.send().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_equal_but_for_their_names_are_one_manifest_that_changes_nothing() {
    let mut stage = Stage::start(SMALL).await;
    for account in [SHOP, SEARCH] {
        for region in ["us-east-1", "eu-west-1"] {
            let bucket = format!("logs-{account}-{region}");
            stage.log_to((account, region), &bucket, true).await;
        }
    }
    stage.log_to((ADA, "us-east-1"), "adas-own", false).await;
    let before = stage.world().await;
    let done = stage.import(&[REGIONS], 0).await;
    done.line(&["2 invocation logging, 0 service control policies; 0 left"]);

    let file = |name: &str| std::fs::read_to_string(stage.folder.path().join(name)).unwrap();
    let both = [file("logging-invocations.yaml"), file("logging-invocations-2.yaml")].concat();
    for part in ["logs-${account}-${region}", SHOP, SEARCH, "adas-own", "DeliveryEnabled: false"] {
        assert!(both.contains(part), "{part}: {both}");
    }
    assert!(!both.contains(MANAGEMENT), "{both}");
    stage.validate(0).await;
    stage.assert_at_rest().await;
    assert_eq!(stage.world().await["bedrock"], before["bedrock"]);
}
