//! What is printed for a partition names no other.

use super::{NAMES, iam};

#[test]
fn the_printed_roles_are_of_the_partition_in_every_form() {
    let all = ["--service-control-policies", "--manage-guardrails", "--probe-model"];
    for partition in ["aws-us-gov", "aws-cn"] {
        for administrator in [&[][..], &["--delegated-administrator", "310000000001"]] {
            for form in ["json", "terraform"] {
                let partitioned = ["--partition", partition, "--format", form];
                let arguments = [&NAMES[..], &all, &["us-gov.amazon.nova-lite-v1:0"], &partitioned];
                let printed = iam(&[&arguments.concat()[..], administrator].concat()).stdout;
                assert!(printed.contains(&format!("arn:{partition}:")), "{form}: {printed}");
                assert!(!printed.contains("arn:aws:"), "{form}: {printed}");
            }
        }
    }
    // A template is of whichever partition it is deployed in.
    let printed = iam(&["--format", "cloudformation", "--service-control-policies"]).stdout;
    assert!(printed.contains("arn:${AWS::Partition}:"), "{printed}");
    assert!(!printed.contains("arn:aws:"), "{printed}");
}

#[test]
fn a_policy_that_requires_a_guardrail_is_of_the_guardrails_partition() {
    let guardrail = "arn:aws-us-gov:bedrock:us-gov-west-1:100000000001:guardrail/abc123abc123:3";
    let printed = iam(&["require-guardrail", "--guardrail", guardrail]).stdout;
    assert!(printed.contains(guardrail), "{printed}");
    assert!(!printed.contains("arn:aws:"), "{printed}");
}
