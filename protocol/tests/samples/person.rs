//! Samples of what the person in the loop asks and is told.

use sallyport_protocol::person::*;

use super::*;

pub fn declined() -> Request {
    Request::Declined(Declined { confirmation: ConfirmationId::new("c-1").unwrap() })
}

pub fn asks() -> Vec<(&'static str, Ask)> {
    let id = || ConfirmationId::new("c-1").unwrap();
    let secret = || SecretBytes::new(b"hunter2".to_vec()).unwrap();
    let surroundings = || {
        Surroundings::clip([EnvVar {
            name: EnvName::new("GPG_TTY").unwrap(),
            value: EnvValue::new("/dev/pts/1").unwrap(),
        }])
    };
    let add = Ask::Add {
        slug: SlugText::new("ssh://deploy@web1").unwrap(),
        kind: RecordKind::Key,
        secret: secret(),
        allow_weak: false,
        surroundings: surroundings(),
    };
    let add_default = Ask::AddDefault {
        user: UserName::new("admin").unwrap(),
        hosts: word("db*"),
        kind: RecordKind::Password,
        secret: secret(),
        allow_weak: true,
    };
    let texts = List::clip(["123456", ""].map(|text| AnswerText::try_from(text.to_owned()).unwrap()));
    vec![
        ("checkup", Ask::Checkup { records: true }),
        ("test host", Ask::TestHost { target: TargetName::new("web1").unwrap() }),
        ("add looked at", add),
        ("add default", add_default),
        ("plan bifrost", Ask::PlanBifrost),
        ("import bifrost", Ask::ImportBifrost { surroundings: surroundings() }),
        ("watch", Ask::Watch { stand: true }),
        ("grant", Ask::Grant { id: id() }),
        ("revoke", Ask::Revoke { id: id() }),
        ("resume", Ask::Resume { principal: word("ci") }),
        ("answer", Ask::Answer { id: id(), texts }),
    ]
}

pub fn tells() -> Vec<(&'static str, Tell)> {
    let approval = ApprovalEntry {
        id: text(),
        principal: text(),
        host: text(),
        user: text(),
        command: texts(),
        reason: text(),
        expires_in_s: 99,
    };
    let question = QuestionEntry {
        id: text(),
        host: text(),
        user: text(),
        instructions: text(),
        prompts: List::clip([PromptEntry { text: text(), echo: false }]),
        expires_in_s: 110,
    };
    let planned = PlannedEntry {
        name: text(),
        slug: text(),
        kind: text(),
        action: text(),
        reason: text(),
        file: text(),
    };
    let grant = GrantEntry {
        id: text(),
        principal: text(),
        host: text(),
        user: text(),
        command: text(),
        expires_in_s: 600,
    };
    vec![
        (
            "told check",
            Tell::Check(CheckEntry { name: text(), level: Level::Warning, text: text(), fix: text() }),
        ),
        ("told step", Tell::Step(StepEntry { name: text(), done: true, text: text() })),
        ("told plan", Tell::Planned(planned)),
        ("told asked", Tell::Asked(AskedEntry { approval, news: text() })),
        ("told question", Tell::Question(question)),
        ("told settled", Tell::Settled { id: text() }),
        ("told grant", Tell::Grant(grant)),
        ("told paused", Tell::Paused { principal: text(), left_s: 600 }),
    ]
}
