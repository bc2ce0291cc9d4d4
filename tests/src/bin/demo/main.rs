//! `sallyport-demo`: what Sallyport does, shown on this machine with nothing of its owner's.
//!
//! Every line it shows is what the real programs answered, and every step checks that the answer is what the text
//! beside it says; the first that is not ends the demo with an error. See `scripts/demo`.

mod scene;
mod screen;
mod talk;

use std::process::ExitCode;

use scene::Scene;
use screen::Screen;

/// What went differently from what the demo says.
type Step = Result<(), String>;

fn main() -> ExitCode {
    let screen = Screen::new();
    screen.title("Sallyport: your model runs commands on your servers and never sees a key");
    screen.say(
        "All of this is thrown away at the end: a GPG home, a password store, an SSH server on loopback.",
    );
    let scene = Scene::set(&screen);
    let shown = scene.as_ref().map_err(Clone::clone).and_then(|scene| talk::whole(scene, &screen));
    let left = scene.map(Scene::strike);
    match shown
        .and(left)
        .and_then(|dir| if dir.exists() { Err(format!("{} is still there", dir.display())) } else { Ok(()) })
    {
        Ok(()) => {
            screen.farewell();
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            screen.failure(&sentence);
            ExitCode::FAILURE
        }
    }
}
