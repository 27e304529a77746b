//! What systemd hears of `run`.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::support::{SMALL, Stage, everything};

#[tokio::test(flavor = "multi_thread")]
async fn systemd_hears_that_it_is_ready_that_it_goes_round_and_that_it_stops() {
    let mut stage = Stage::start(SMALL).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    stage.set("NOTIFY_SOCKET", path.to_str().unwrap());
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let ear = Arc::clone(&heard);
    // Ends with the process of the test.
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(length) = socket.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).trim().to_owned();
            ear.lock().unwrap().push(text);
        }
    });
    let said = |word: &'static str| {
        let heard = Arc::clone(&heard);
        move || {
            let is_heard = heard.lock().unwrap().iter().any(|it| it == word);
            std::future::ready(is_heard.then_some(()))
        }
    };
    stage.manifest("all.yaml", &everything());
    stage.run().await;
    stage.eventually("it is ready", said("READY=1")).await;
    stage.eventually("it goes round", said("WATCHDOG=1")).await;
    assert_eq!(heard.lock().unwrap().first().map(String::as_str), Some("READY=1"));
    let pid = stage.running().id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    stage.eventually("it stops", said("STOPPING=1")).await;
}
