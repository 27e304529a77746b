//! The commands that print it.

use std::fs;
use std::process::{Command, Stdio};

use bedrail::cli::Arguments;
use clap::CommandFactory as _;
use serde_json::Value;

fn bedrail(arguments: &[&str]) -> (i32, String, String) {
    let binary = env!("CARGO_BIN_EXE_bedrail");
    let output = Command::new(binary).args(arguments).env_remove("BEDRAIL_COLOR").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// `run`, `status`, …: what `--help` lists.
fn subcommands() -> Vec<String> {
    Arguments::command().get_subcommands().map(|it| it.get_name().to_owned()).collect()
}

#[test]
fn the_schema_is_printed_as_one_or_of_one_kind() {
    let (code, whole, _) = bedrail(&["schema"]);
    assert_eq!(code, 0);
    let whole: Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(whole["$schema"], "http://json-schema.org/draft-07/schema#");
    let (code, one, _) = bedrail(&["schema", "Approval"]);
    assert_eq!(code, 0);
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["properties"]["kind"]["enum"][0], "Approval");
    let (code, out, error) = bedrail(&["schema", "Guardrial"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(error.contains("did you mean `Guardrail`?"), "{error}");
}

#[test]
fn a_field_is_explained_with_its_type_words_limits_and_source() {
    let path = "Guardrail.spec.content.contentPolicyConfig.filtersConfig";
    let (code, text, _) = bedrail(&["explain", &format!("{path}.inputStrength")]);
    assert_eq!(code, 0);
    for line in [
        "FIELD:    spec.content.contentPolicyConfig.filtersConfig.inputStrength <string> -required-",
        "    NONE, LOW, MEDIUM, HIGH",
        "API_GuardrailContentFilterConfig.html",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let (_, text, _) = bedrail(&["explain", path]);
    assert!(text.contains("LIMITS:\n    1 to 6 items\n"), "{text}");
    assert!(text.contains("  outputModalities <list of string>\n"), "{text}");
    let (_, text, _) = bedrail(&["explain", "guardrail", "--recursive"]);
    assert!(text.contains("\n        filtersConfig <list of object> -required-\n"), "{text}");
    let (_, json, _) = bedrail(&["explain", path, "-o", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["fields"][0]["name"], "inputAction");
}

#[test]
fn what_cannot_be_explained_names_what_was_meant() {
    for (path, meant) in [
        ("Guardrial", "did you mean `Guardrail`?"),
        ("Guardrail.spec.contnt", "did you mean `content`?"),
        ("Guardrail.content", "did you mean `Guardrail.spec.content`?"),
        ("Guardrail.spec.state.word", "which has no fields"),
        ("Approval.spec.everything", "there are expires, plan"),
    ] {
        let (code, out, error) = bedrail(&["explain", path]);
        assert_eq!((code, out.as_str()), (2, ""), "{path}");
        assert!(error.contains(meant), "{path}: {error}");
    }
}

#[test]
fn completions_are_scripts_that_offer_every_subcommand() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, script, _) = bedrail(&["completions", shell]);
        assert_eq!(code, 0, "{shell}");
        for name in subcommands() {
            assert!(script.contains(&name), "{shell}: {name}");
        }
    }
    let (_, script, _) = bedrail(&["completions", "bash"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bedrail");
    // What bash does when a person types `bedrail st` and Tab.
    let typed = "COMP_WORDS=(bedrail st); COMP_CWORD=1; _bedrail bedrail st bedrail
printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    fs::write(&file, format!("{script}\n{typed}")).unwrap();
    let run = |argument: &[&str]| {
        Command::new("bash").args(argument).arg(&file).stderr(Stdio::inherit()).output().unwrap()
    };
    assert!(run(&["-n"]).status.success());
    let offered = String::from_utf8(run(&[]).stdout).unwrap();
    assert_eq!(offered, "status\n");
}

#[test]
fn manual_pages_name_every_subcommand_and_are_well_formed() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("man1");
    let (code, out, _) = bedrail(&["man", "--to", &target.to_string_lossy()]);
    assert_eq!((code, out.as_str()), (0, ""));
    let main = fs::read_to_string(target.join("bedrail.1")).unwrap();
    for name in subcommands() {
        assert!(main.contains(&format!("bedrail\\-{name}(1)")), "{name}");
        assert!(target.join(format!("bedrail-{name}.1")).exists(), "{name}");
    }
    // Where there is no groff, nobody reads them either.
    let groff = Command::new("groff").arg("--version").output();
    if groff.is_ok_and(|it| it.status.success()) {
        for page in fs::read_dir(&target).unwrap() {
            let page = page.unwrap().path();
            let lint = ["-man", "-ww", "-z", "-Tutf8", "-Kutf8"];
            let said = Command::new("groff").args(lint).arg(&page).output().unwrap();
            let said = String::from_utf8_lossy(&said.stderr).into_owned();
            assert_eq!(said, "", "{}", page.display());
        }
    }
}

/// What help and errors look like, with the environment and flags given.
fn coloured(arguments: &[&str], environment: &[(&str, &str)]) -> (bool, bool) {
    let binary = env!("CARGO_BIN_EXE_bedrail");
    let mut command = Command::new(binary);
    command.args(arguments);
    for name in ["BEDRAIL_COLOR", "NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"] {
        command.env_remove(name);
    }
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let has = |bytes: &[u8]| bytes.contains(&0x1b);
    (has(&output.stdout), has(&output.stderr))
}

#[test]
fn colour_is_what_the_user_says() {
    let (out, error) = (["plan", "--help"], ["plan", "--nonsense"]);
    let with = |words: [&'static str; 2], flag: &'static str| [words[0], words[1], flag];
    // Not on a terminal.
    assert_eq!((coloured(&out, &[]), coloured(&error, &[])), ((false, false), (false, false)));
    assert_eq!(coloured(&with(out, "--color=always"), &[]), (true, false));
    assert_eq!(coloured(&with(error, "--color=always"), &[]), (false, true));
    assert_eq!(coloured(&out, &[("BEDRAIL_COLOR", "always")]), (true, false));
    let forced = [("CLICOLOR_FORCE", "1")];
    assert_eq!(coloured(&out, &forced), (true, false));
    assert_eq!(coloured(&with(out, "--color=never"), &forced), (false, false));
    assert_eq!(coloured(&with(error, "--color=never"), &forced), (false, false));
    let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    assert_eq!(coloured(&out, &both), (false, false), "who wants none gets none");
}

#[test]
fn logs_are_coloured_as_everything_is() {
    // Nobody answers there: a warning for each try.
    let nobody = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", "demo"),
        ("AWS_SECRET_ACCESS_KEY", "demo"),
        ("AWS_REGION", "us-east-1"),
        ("RUST_LOG", "bedrail=warn"),
    ];
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/demo");
    let plan = ["plan", "-f", demo, "--call-timeout", "200ms", "--color"];
    let with = |choice: &'static str| [plan.as_slice(), &[choice]].concat();
    assert_eq!(coloured(&with("always"), &nobody), (false, true));
    assert_eq!(coloured(&with("auto"), &nobody), (false, false));
}
