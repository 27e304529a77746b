//! Guardrail profiles: which geography a Region may process guardrail text in (`aws-facts` 8.3).

/// One row: the profile, the Regions it may be named in, and where text may then go.
struct Profile {
    id: &'static str,
    sources: &'static [&'static str],
    destinations: &'static [&'static str],
}

const APAC: &[&str] = &[
    "ap-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-southeast-2",
];
const EUROPE: &[&str] =
    &["eu-central-1", "eu-west-1", "eu-west-3", "eu-north-1", "eu-south-1", "eu-south-2"];
const UNITED_STATES: &[&str] = &["us-east-1", "us-east-2", "us-west-2"];
const GOVERNMENT: &[&str] = &["us-gov-east-1", "us-gov-west-1"];

/// A source Region outside its own destinations adds itself ([`destinations`]).
const PROFILES: &[Profile] = &[
    Profile {
        id: "us.guardrail.v1:0",
        sources: &["us-east-1", "us-east-2", "us-west-2", "us-west-1"],
        destinations: UNITED_STATES,
    },
    Profile { id: "us-gov.guardrail.v1:0", sources: GOVERNMENT, destinations: GOVERNMENT },
    Profile {
        id: "eu.guardrail.v1:0",
        sources: &[
            "eu-central-1",
            "eu-west-1",
            "eu-west-3",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "il-central-1",
        ],
        destinations: EUROPE,
    },
    Profile { id: "uk.guardrail.v1:0", sources: &["eu-west-2"], destinations: &["eu-west-2"] },
    Profile {
        id: "apac.guardrail.v1:0",
        sources: &[
            "ap-south-1",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-7",
            "ap-east-2",
            "me-central-1",
        ],
        destinations: APAC,
    },
    Profile {
        id: "au.guardrail.v1:0",
        sources: &["ap-southeast-2"],
        destinations: &["ap-southeast-2"],
    },
    Profile {
        id: "ca.guardrail.v1:0",
        sources: &["ca-central-1"],
        destinations: &["ca-central-1", "ca-west-1"],
    },
];

/// Whether a guardrail in `region` may use `profile`.
pub(super) fn is_offered(profile: &str, region: &str) -> bool {
    PROFILES.iter().any(|row| row.id == profile && row.sources.contains(&region))
}

/// Whether `region` processes text for `profile`, for any source.
pub(super) fn is_destination(profile: &str, region: &str) -> bool {
    PROFILES.iter().any(|row| {
        row.id == profile && (row.destinations.contains(&region) || row.sources.contains(&region))
    })
}

/// Where the text of a guardrail in `source` may be processed under `profile`.
pub(crate) fn destinations<'a>(profile: &str, source: &'a str) -> Vec<&'a str> {
    let mut regions: Vec<&'a str> = PROFILES
        .iter()
        .filter(|row| row.id == profile)
        .flat_map(|row| row.destinations.iter().copied())
        .collect();
    if !regions.contains(&source) {
        regions.push(source);
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_offered_in_its_geography_only() {
        assert!(is_offered("us.guardrail.v1:0", "us-west-1"));
        assert!(!is_offered("us.guardrail.v1:0", "eu-west-1"));
        assert!(!is_offered("xx.guardrail.v1:0", "eu-west-1"));
    }

    #[test]
    fn a_source_outside_the_destinations_adds_itself() {
        assert_eq!(destinations("us.guardrail.v1:0", "us-east-1"), UNITED_STATES);
        assert_eq!(
            destinations("us.guardrail.v1:0", "us-west-1"),
            ["us-east-1", "us-east-2", "us-west-2", "us-west-1"]
        );
    }
}
