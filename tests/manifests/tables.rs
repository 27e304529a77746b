//! The rows: an edit of a valid set, and a part of the only line that the user reads.

use super::rules::{Row, check};

#[test]
fn envelopes() {
    check(ENVELOPES);
}

const ENVELOPES: &[Row] = &[
    (
        "kind: OrganizationEnforcement",
        "kind: OrganisationEnforcement",
        "error: kind: there is no kind `OrganisationEnforcement` (did you mean `OrganizationEnforcement`?)",
    ),
    (
        "{name: everywhere}",
        "{}",
        "m.yaml:39:1: error: metadata.name: is missing; write for example",
    ),
    (
        "{name: everywhere}",
        "{name: a b}",
        "m.yaml:39:18: error: metadata.name: `a b` is not 1 to 50 letters",
    ),
    (
        "{name: everywhere}",
        "{name: everywhere, namespace: x}",
        "error: metadata.namespace: manifests have no namespaces",
    ),
    (
        "{name: everywhere}",
        "{name: everywhere, formerNames: [everywhere]}",
        "is the name it has now",
    ),
    ("{name: some}", "{name: some, formerNames: [x, x]}", "`x` is already listed at m.yaml:52:38"),
    (
        "{name: everywhere}",
        "{name: 5}",
        "`5` is a number; `name` takes a text; write it in quotes: \"5\"",
    ),
];

#[test]
fn guardrails() {
    check(GUARDRAILS);
}

const GUARDRAILS: &[Row] = &[
    (
        "  regions: [us-east-1, eu-west-1]\n",
        "",
        "m.yaml:4:1: error: spec.regions: is missing; write for example `regions: [us-east-1, eu-west-1]`",
    ),
    (
        "[us-east-1, eu-west-1]",
        "[us-east-1, eu-west-1, us-east-1]",
        "`us-east-1` is already listed at m.yaml:5:13",
    ),
    (
        "[us-east-1, eu-west-1]",
        "[us-east-1, eu-west-1, us-east]",
        "m.yaml:5:35: error: spec.regions[2]: `us-east` is not a Region code such as us-east-1",
    ),
    (
        "accounts: Management",
        "accounts: managment",
        "spec.accounts: `managment` is not `Management`",
    ),
    (
        "accounts: Management",
        "accounts: true",
        "`true` is true or false; `accounts` takes one word, or a list",
    ),
    ("crossRegion: Auto", "crossRegion: auto", "`auto` is not None or Auto (did you mean `Auto`?)"),
    (
        "shareWith: Organization",
        "shareWith: Organisation",
        "`Organisation` is not None or Organization (did you mean `Organization`?)",
    ),
    ("shareWith: Organization", "shareWith: /Workloads", "write a list, even of one: [/Workloads]"),
    ("revisionHistoryLimit: 5", "revisionHistoryLimit: 0", "0 would leave nothing to go back to"),
    ("revisionHistoryLimit: 5", "revisionHistoryLimit: 20", "at most 15"),
    (
        "revisionHistoryLimit: 5",
        "revisionHistoryLimit: -1",
        "`-1` is a number; `revisionHistoryLimit` takes a whole number from 0",
    ),
    (
        "keepVersions: [3]",
        "keepVersions: [DRAFT]",
        "m.yaml:10:18: error: spec.keepVersions[0]: DRAFT is never referenced",
    ),
    ("keepVersions: [3]", "keepVersions: [0]", "`0` is not a published version number"),
    (
        "keepVersions: [3]",
        "draft: leave",
        "`leave` is not Correct or Leave (did you mean `Leave`?)",
    ),
    ("keepVersions: [3]", "guardrailName: a b", "spec.guardrailName: `a b` is not 1 to 50 letters"),
    (
        "state: Present",
        "state: Absnet",
        "`Absnet` is not Present or Absent (did you mean `Absent`?)",
    ),
    ("adopt: false", "adopt: no", "`no` is a text; `adopt` takes true or false, without quotes"),
    ("adopt: false", "adopt:", "m.yaml:12:8: error: spec.adopt: has no value"),
    (
        "{team: ai}",
        "{\"aws:team\": ai}",
        "`aws:team` begins with `aws:`, which is reserved for AWS; write for example `team`",
    ),
    ("{team: ai}", "{\"bedrail:owner\": ai}", "reserved for Bedrail's own marks"),
    ("{team: ai}", "{team: 5}", "write it in quotes: \"5\""),
    ("{team: ai}", "{team: a!b}", "a tag value cannot hold `!`"),
    ("{team: ai}", "[team]", "a list is given; `tags` takes a map"),
    (
        "  adopt: false\n",
        "  adopt: false\n  tag: {}\n",
        "there is no field `tag` here (did you mean `tags`?)",
    ),
    (
        "  adopt: false\n",
        "  adopt: false\n  tests: []\n",
        "m.yaml:13:3: error: spec.tests: is an empty list; give it an item, or remove it",
    ),
    (
        "  adopt: false\n",
        "  adopt: false\n  tests: [{text: hello}]\n",
        "error: spec.tests[0].action: is missing; write for example `action: GUARDRAIL_INTERVENED`",
    ),
    (
        "  adopt: false\n",
        "  adopt: false\n  tests: [{action: NONE}]\n",
        "error: spec.tests[0].text: is missing",
    ),
    (
        "  adopt: false\n",
        "  adopt: false\n  tests: [{text: hello, action: BLOCK}]\n",
        "error: spec.tests[0].action: `BLOCK` is not NONE or GUARDRAIL_INTERVENED",
    ),
    (
        "  adopt: false\n",
        "  adopt: false\n  tests: [{text: hello, action: NONE, source: USER}]\n",
        "error: spec.tests[0].source: `USER` is not INPUT or OUTPUT",
    ),
    (
        "  adopt: false\n",
        "  adopt: false\n  tests: [{text: a, action: NONE}, {text: a, action: NONE}]\n",
        "error: spec.tests[1].text: asks the same as the test at m.yaml:13:18; remove one",
    ),
    (
        "  adopt: false\n",
        "  adopt: false\n  testInterval: 1h\n",
        "error: spec.testInterval: there is nothing to repeat without `tests`",
    ),
    (
        "  adopt: false\n",
        "  adopt: false\n  tests: [{text: a, action: NONE}]\n  testInterval: often\n",
        "error: spec.testInterval: `often` is not a duration such as 30m",
    ),
    (
        "  allowOverride: true\n",
        "  allowOverride: true\n  tests: []\n",
        "tests belong to the guardrail",
    ),
    ("  adopt: false\n", "  adopt: false\n  kmsKeyId: x\n", "belongs in `spec.content`"),
    (
        "    description: What",
        "    name: baseline\n    description: What",
        "spec.content.name: the guardrail's name is `metadata.name`",
    ),
    (
        "    description: What",
        "    tags: []\n    description: What",
        "tags are written as a map in `spec.tags`",
    ),
    (
        "    description: What",
        "    clientRequestToken: x\n    description: What",
        "tokens are made by Bedrail",
    ),
];

#[test]
fn keys_and_profiles() {
    check(KEYS_AND_PROFILES);
}

const KEYS_AND_PROFILES: &[Row] = &[
    (
        "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "alias/guardrails",
        "m.yaml:15:27: error: spec.regionOverrides.eu-west-1.kmsKeyId: `alias/guardrails` is an alias, which somebody could point at another key",
    ),
    (
        "arn:aws:kms:eu-west-1:111122223333:key/1234",
        "arn:aws:kms:us-east-1:111122223333:key/1234",
        "is a key of us-east-1 and cannot be used in eu-west-1",
    ),
    (
        "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "my-key",
        "`my-key` is neither the ARN nor the id of a key",
    ),
    (
        "    eu-west-1: {kms",
        "    eu-west-2: {kms",
        "m.yaml:15:5: error: spec.regionOverrides.eu-west-2: eu-west-2 is not in `spec.regions`",
    ),
    (
        "    eu-west-1: {kms",
        "    eu-west-1: {blockedInputMessaging: x, kms",
        "a Region can have only `kmsKeyId` and `crossRegionConfig`",
    ),
    (
        "    eu-west-1: {kmsKeyId: ",
        "    us-east-1: {crossRegionConfig: {guardrailProfileIdentifier: \"eu.guardrail.v1:0\"}}\n    eu-west-1: {kmsKeyId: ",
        "`eu.guardrail.v1:0` cannot be used from us-east-1; write `regionOverrides: {us-east-1: {crossRegionConfig: {guardrailProfileIdentifier: \"us.guardrail.v1:0\"}}}`",
    ),
    (
        "    eu-west-1: {kmsKeyId: ",
        "    us-east-1: {crossRegionConfig: {guardrailProfileIdentifier: \"arn:aws:bedrock:us-west-2:111122223333:guardrail-profile/us.guardrail.v1:0\"}}\n    eu-west-1: {kmsKeyId: ",
        "write the id: `us.guardrail.v1:0`",
    ),
    (
        "    eu-west-1: {kmsKeyId: ",
        "    us-east-1: {crossRegionConfig: {guardrailProfileIdentifier: us}}\n    eu-west-1: {kmsKeyId: ",
        "`us` is not a guardrail profile id such as us.guardrail.v1:0",
    ),
    (
        "    eu-west-1: {kmsKeyId: ",
        "    us-east-1: {crossRegionConfig: {}}\n    eu-west-1: {kmsKeyId: ",
        "guardrailProfileIdentifier: is missing",
    ),
    (
        "    eu-west-1: {kmsKeyId: ",
        "    us-east-1: {crossRegionConfig: {guardrailProfileIdentifier: \"mars.guardrail.v1:0\"}}\n    eu-west-1: {kmsKeyId: ",
        "warning: spec.regionOverrides.us-east-1.crossRegionConfig.guardrailProfileIdentifier: `mars.guardrail.v1:0` is not a guardrail profile this release knows",
    ),
    (
        "  crossRegion: Auto\n",
        "",
        "m.yaml:19:5: error: spec.content.topicPolicyConfig: the STANDARD tier needs a guardrail profile, and there is none in eu-west-1, us-east-1; write `crossRegion: Auto` in `spec`",
    ),
];

#[test]
fn contents() {
    check(CONTENTS);
}

const CONTENTS: &[Row] = &[
    (
        "    blockedInputMessaging: This request was blocked.\n",
        "",
        "m.yaml:16:3: error: spec.content.blockedInputMessaging: is missing; write for example `blockedInputMessaging: This request was blocked by company policy.`",
    ),
    (
        "This request was blocked.",
        "\"\"",
        "m.yaml:18:28: error: spec.content.blockedInputMessaging: is empty; AWS takes 1 to 500 characters",
    ),
    ("This request was blocked.", "5", "write it in quotes: \"5\""),
    (
        "tierName: STANDARD",
        "tierName: standard",
        "`standard` is not CLASSIC or STANDARD (did you mean `STANDARD`?)",
    ),
    ("tierName: STANDARD", "", "tierConfig.tierName: is missing"),
    (
        "name: Investments",
        "name: \"Money, advice\"",
        "m.yaml:23:18: error: spec.content.topicPolicyConfig.topicsConfig[0].name: a topic name cannot hold `,`",
    ),
    ("definition: Advice on money.", "definition: \"\"", "definition: is empty"),
    ("type: DENY", "type: ALLOW", "`ALLOW` is not DENY"),
    ("type: DENY, ", "", "topicsConfig[0].type: is missing; write for example `type: DENY`"),
    ("examples: [Buy?]", "examples: [a, b, c, d, e, f]", "has 6 items; AWS takes 5: remove 1"),
    (
        "type: HATE, inputStrength: HIGH",
        "type: HAET, inputStrength: HIGH",
        "`HAET` is not SEXUAL, VIOLENCE, HATE, INSULTS, MISCONDUCT or PROMPT_ATTACK (did you mean `HATE`?)",
    ),
    (
        "type: HATE, inputStrength: HIGH",
        "type: HATE, inputStrength: HIHG",
        "m.yaml:26:39: error: spec.content.contentPolicyConfig.filtersConfig[0].inputStrength: `HIHG` is not NONE, LOW, MEDIUM or HIGH (did you mean `HIGH`?)",
    ),
    ("type: HATE, inputStrength: HIGH", "type: HATE", "inputStrength: is missing"),
    (
        "type: HATE, inputStrength: HIGH",
        "type: PROMPT_ATTACK, inputStrength: HIGH, outputStrength: NONE}\n        - {type: HATE, inputStrength: HIGH",
        "`PROMPT_ATTACK` is already listed at m.yaml:26:18; remove one",
    ),
    (
        "outputStrength: NONE",
        "outputStrength: HIGH",
        "m.yaml:27:70: error: spec.content.contentPolicyConfig.filtersConfig[1].outputStrength: `HIGH` is refused by AWS for PROMPT_ATTACK, which looks at input alone; write `outputStrength: NONE`",
    ),
    ("[TEXT, IMAGE]", "[TEXT, VIDEO]", "`VIDEO` is not TEXT or IMAGE"),
    ("[TEXT, IMAGE]", "[]", "is an empty list"),
    ("[TEXT, IMAGE]", "TEXT", "`TEXT` is a text; `inputModalities` takes a list, even of one"),
    ("[{text: falcon}]", "[{text: falcon}, {text: falcon}]", "`falcon` is already listed"),
    (
        "[{text: falcon}]",
        "[{text: one two three four}]",
        "warning: spec.content.wordPolicyConfig.wordsConfig[0].text: has 4 words",
    ),
    ("[{text: falcon}]", "[falcon]", "`falcon` is a text; `wordsConfig` takes a map of fields"),
    ("type: PROFANITY", "type: PROFANTIY", "(did you mean `PROFANITY`?)"),
    ("inputAction: BLOCK", "inputAction: ANONYMIZE", "`ANONYMIZE` is not BLOCK or NONE"),
    (
        "type: EMAIL",
        "type: SSN",
        "`SSN` is not a kind of personal data; write `US_SOCIAL_SECURITY_NUMBER`",
    ),
    ("type: EMAIL", "type: EMIAL", "`EMIAL` is not a kind of personal data; write `EMAIL`"),
    (
        "type: EMAIL",
        "type: SHOE_SIZE",
        "is not a kind of personal data that AWS knows; write one of ADDRESS, AGE",
    ),
    ("action: ANONYMIZE", "action: MASK", "`MASK` is not BLOCK, ANONYMIZE or NONE"),
    (
        "'E-[0-9]{6}'",
        "'(?<=E-)[0-9]{6}'",
        "m.yaml:33:46: error: spec.content.sensitiveInformationPolicyConfig.regexesConfig[0].pattern: `(?<=` looks around, which AWS refuses",
    ),
    ("'E-[0-9]{6}'", "'E-[0-9'", "`E-[0-9` is not a regular expression: unclosed character class"),
    ("pattern: 'E-[0-9]{6}', ", "", "pattern: is missing"),
    ("threshold: 0.7", "threshold: 1", "`1` is not from 0 to 0.99; write for example 0.7"),
    ("threshold: 0.7", "threshold: -0.1", "`-0.1` is not from 0 to 0.99"),
    (
        "threshold: 0.7",
        "threshold: high",
        "`high` is a text; `threshold` takes a number such as 0.7",
    ),
    ("type: GROUNDING", "type: GROUND", "`GROUND` is not GROUNDING or RELEVANCE"),
    (
        "    contextualGroundingPolicyConfig:",
        "    contextualGroundingPolicy: {}\n    contextualGroundingPolicyConfig:",
        "there is no field `contextualGroundingPolicy` here (did you mean `contextualGroundingPolicyConfig`?)",
    ),
];

#[test]
fn enforcements() {
    check(ENFORCEMENTS);
}

const ENFORCEMENTS: &[Row] = &[
    (
        "  guardrail: baseline\n",
        "",
        "m.yaml:40:1: error: spec.guardrail: is missing; write for example `guardrail: baseline`",
    ),
    (
        "  guardrail: baseline\n",
        "  guardrail: basline\n",
        "m.yaml:41:14: error: spec.guardrail: there is no Guardrail named `basline` (did you mean `baseline`?)",
    ),
    ("  guardrail: baseline\n", "  guardrail: baseline:DRAFT\n", "DRAFT is never referenced"),
    ("  guardrail: baseline\n", "  guardrail: DRAFT\n", "DRAFT is never referenced"),
    (
        "  guardrail: baseline\n",
        "  guardrail: baseline:3\n",
        "`baseline:3` names a version, whose number differs in every Region; write `baseline`",
    ),
    (
        "  guardrail: baseline\n",
        "  guardrail: arn:aws:bedrock:us-east-1:111122223333:guardrail/abc\n",
        "is an ARN, which differs in every Region",
    ),
    (
        "  guardrail: baseline\n",
        "  guardrail: [baseline]\n",
        "`guardrail` takes the name of a guardrail",
    ),
    (
        "  guardrail: baseline\n",
        "  guardrail: {name: baseline, version: 3}\n",
        "pin a revision, which is the same everywhere",
    ),
    (
        "revision: 244ec1eae98c2dc4770cb6023e0e88f4",
        "revision: DRAFT",
        "m.yaml:54:41: error: spec.guardrail.revision: DRAFT is never referenced",
    ),
    (
        "revision: 244ec1eae98c2dc4770cb6023e0e88f4",
        "revision: 244ec1",
        "`244ec1` is not a revision: 32 hexadecimal digits",
    ),
    ("{name: baseline, revision", "{revision", "spec.guardrail.name: is missing"),
    (
        "allowOverride: true",
        "allowOverride: \"true\"",
        "`true` is a text; `allowOverride` takes true or false, without quotes",
    ),
    ("system: COMPREHENSIVE", "system: comprehensive", "(did you mean `COMPREHENSIVE`?)"),
    ("{system: COMPREHENSIVE, messages: SELECTIVE}", "{}", "has neither `system` nor `messages`"),
    ("onDeselect: Keep", "onDeselect: Drop", "`Drop` is not Keep or Release"),
    ("onDeselect: Keep", "rollout: {waves: []}", "is an empty list"),
    ("onDeselect: Keep", "rollout: {paused: true}", "spec.rollout.waves: is missing"),
    ("onDeselect: Keep", "rollout: {preflight: Each}", "`Each` is not Every or Offline"),
    ("onDeselect: Keep", "rollout: {preflight: Sample}", "a sample needs its size"),
    (
        "onDeselect: Keep",
        "rollout: {preflight: [Every]}",
        "`preflight` takes `Every`, `Offline` or `{Sample: {percent: 10}}`",
    ),
    (
        "onDeselect: Keep",
        "rollout: {preflight: {Sample: {}}}",
        "spec.rollout.preflight.Sample.percent: is missing",
    ),
    (
        "onDeselect: Keep",
        "rollout: {preflight: {Sample: {percent: 101}}}",
        "101 is not a share of the accounts: 1 to 100",
    ),
    ("onDeselect: Keep", "rollout: {maxUnknown: -1}", "`maxUnknown` takes a whole number"),
    ("onDeselect: Keep", "onForeign: Hold", "only AccountEnforcement and InvocationLogging have"),
    ("onForeign: Hold", "onForeign: Keep", "`Keep` is not Replace or Hold"),
    (
        "onForeign: Hold",
        "allowOverride: true",
        "only an OrganizationEnforcement has `allowOverride`",
    ),
    ("onForeign: Hold", "adopt: true", "`onForeign: Replace` takes it over"),
    (
        "onForeign: Hold",
        "guardrailVersion: \"3\"",
        "versions differ in every Region and are found by Bedrail",
    ),
];

#[test]
fn models() {
    check(MODELS);
}

const MODELS: &[Row] = &[
    (
        "  modelEnforcement: {includedModels: [ALL], excludedModels: [EMBEDDINGS]}\n",
        "",
        "m.yaml:40:1: warning: spec.modelEnforcement: is missing, so that every model is meant",
    ),
    (
        "{includedModels: [ALL], excludedModels: [EMBEDDINGS]}",
        "{excludedModels: [EMBEDDINGS]}",
        "spec.modelEnforcement.includedModels: is missing; write for example `includedModels: [ALL]`",
    ),
    (
        "excludedModels: [EMBEDDINGS]",
        "excludedModels: []",
        "warning: spec.modelEnforcement.excludedModels: excludes no embedding model",
    ),
    (
        "excludedModels: [EMBEDDINGS]",
        "excludedModels: [EMBEDDING]",
        "`EMBEDDING` is not the id of a model; did you mean `EMBEDDINGS`?",
    ),
    (
        "excludedModels: [EMBEDDINGS]",
        "excludedModels: [EMBEDDINGS, ALL]",
        "`ALL` would exclude every model",
    ),
    ("[amazon.nova-pro-v1:0]", "[EMBEDDINGS]", "`EMBEDDINGS` can only be excluded"),
    ("[amazon.nova-pro-v1:0]", "[]", "is an empty list"),
    ("[amazon.nova-pro-v1:0]", "[amazon.nova-pro-v1:0, amazon.nova-pro-v1:0]", "already listed"),
    (
        "[amazon.nova-pro-v1:0]",
        "[us.amazon.nova-pro-v1:0]",
        "m.yaml:56:39: error: spec.modelEnforcement.includedModels[0]: `us.amazon.nova-pro-v1:0` is an inference profile; write the model it leads to, which covers calls through its profiles: `amazon.nova-pro-v1:0`",
    ),
    (
        "[amazon.nova-pro-v1:0]",
        "[\"arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0\"]",
        "is an ARN; AWS takes model ids here: write `amazon.nova-pro-v1:0`",
    ),
    (
        "[amazon.nova-pro-v1:0]",
        "[\"arn:aws:bedrock:us-east-1:111122223333:inference-profile/eu.amazon.nova-pro-v1:0\"]",
        "write `amazon.nova-pro-v1:0`",
    ),
    ("[amazon.nova-pro-v1:0]", "[amazon.nova-*]", "`amazon.nova-*` is a pattern"),
    (
        "[amazon.nova-pro-v1:0]",
        "[amazon.nova-por-v1:0]",
        "warning: spec.modelEnforcement.includedModels[0]: `amazon.nova-por-v1:0` is not a model this release knows (did you mean `amazon.nova-pro-v1:0`?)",
    ),
    (
        "[amazon.nova-pro-v1:0]",
        "[cohere.embed-english-v3]",
        "warning: spec.modelEnforcement.includedModels[0]: `cohere.embed-english-v3` is an embedding model",
    ),
];

#[test]
fn targets() {
    check(TARGETS);
}

const TARGETS: &[Row] = &[
    ("organization: true", "organization: false", "false selects nothing"),
    (
        "    - organization: true\n",
        "    - organization: true\n      account: \"222233334444\"\n",
        "m.yaml:46:7: error: spec.targets[0]: has organization and account; a target has exactly one of them",
    ),
    (
        "    - organization: true\n",
        "    - {}\n",
        "m.yaml:46:7: error: spec.targets[0]: selects nothing; write one of",
    ),
    ("    - organization: true\n", "    -\n", "spec.targets[0]: has no value"),
    (
        "organizationalUnit: /Workloads/Prod",
        "organizationalUnit: Workloads/Prod",
        "`Workloads/Prod` is neither a path nor an id; write the path from the top, such as `/Workloads/Prod`",
    ),
    (
        "organizationalUnit: /Workloads/Prod",
        "organizationalUnit: /Workloads/",
        "`/Workloads/` ends with a slash; write `/Workloads`",
    ),
    (
        "organizationalUnit: /Workloads/Prod",
        "organizationalUnit: //Prod",
        "names a unit of no or more than 128 characters",
    ),
    (
        "organizationalUnit: /Workloads/Prod",
        "organizationalUnit: /",
        "is the whole organization; write `organization: true`",
    ),
    (
        "organizationalUnit: /Workloads/Prod",
        "organizationalUnit: ou-1",
        "`ou-1` is not an organizational unit id such as ou-ab12-cd34ef56",
    ),
    (
        "organizationalUnit: /Workloads/Prod",
        "organizationalUnit: \"222233334444\"",
        "write `account: \"222233334444\"`",
    ),
    (
        "organizationalUnit: /Workloads/Prod",
        "organisationalUnit: /Workloads/Prod",
        "m.yaml:47:7: error: spec.targets[1].organisationalUnit: there is no field `organisationalUnit` here (did you mean `organizationalUnit`?)",
    ),
    (
        "organizationalUnit: /Workloads/Prod",
        "organization: true",
        "`organization: true` is already a target at m.yaml:46:7",
    ),
    (
        "account: \"222233334444\"",
        "account: 222233334444",
        "m.yaml:58:16: error: spec.targets[0].account: `222233334444` is a number; `account` takes a text; write it in quotes: \"222233334444\"",
    ),
    (
        "account: \"222233334444\"",
        "account: \"22223333444\"",
        "`22223333444` is not a 12-digit account id",
    ),
    ("{environment: production}", "{}", "has no tag"),
    (
        "{environment: production}",
        "{\"a,b\": c}",
        "m.yaml:59:26: error: spec.targets[1].accountsWithTags[\"a,b\"]: a tag key cannot hold `,`",
    ),
];

#[test]
fn what_documents_must_agree_on() {
    check(WHAT_DOCUMENTS_MUST_AGREE_ON);
}

const WHAT_DOCUMENTS_MUST_AGREE_ON: &[Row] = &[
    (
        "regions: [us-east-1]",
        "regions: [us-west-2]",
        "m.yaml:55:3: error: spec.regions: `baseline` (m.yaml:3:18) has no replica in us-west-2; add us-west-2 to its `regions`",
    ),
    (
        "shareWith: Organization",
        "shareWith: [/Workloads]",
        "m.yaml:46:7: error: spec.targets[0]: `baseline` (m.yaml:3:18) is shared with some units only",
    ),
    (
        "accounts: Management",
        "accounts: [{organizationalUnit: /Workloads}]",
        "m.yaml:41:14: error: spec.guardrail: `baseline` (m.yaml:3:18) is placed in selected accounts, but an organization policy",
    ),
];
