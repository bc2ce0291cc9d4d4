//! Looking for names or lines in a tree.
//!
//! | module | what it holds |
//! |---|---|
//! | `needle` | what a line must hold to match a pattern; pure |
//! | `survey` | a tree as the host's own tools see it |
//!
//! The tree comes from the host's tools where there are any, else from SFTP. What matches is decided here in both cases,
//! by one loop over one order of names, so that every host answers alike whatever tools it has. Lines are looked for in
//! what a model may see: the masked text. So a pattern cannot test guesses about a secret.

mod needle;
mod survey;

use std::time::{Duration, Instant};

use globset::{GlobBuilder, GlobMatcher};
use regex::{Regex, RegexBuilder};
use sallyport_policy::{PathAction, Verdict};
use sallyport_protocol::file::{Event, Match, Search, SearchKind};
use sallyport_protocol::list::List;
use sallyport_protocol::{ErrorCode, Failure, Text};
use tokio::task::JoinSet;

use self::needle::Needles;
use self::survey::Survey;
use super::list::{Found, Walk, done, unlisted};
use super::read::is_binary;
use super::request::{Desk, Done};
use crate::serve::connection::Operation;
use crate::ssh::sftp::{Kind, SftpError, place};

/// Matches of one answer at most.
const MOST: u32 = 2_000;
/// How long a search goes on.
const TIME: Duration = Duration::from_secs(40);
/// Files and directories looked at.
const SEEN: usize = 200_000;
/// Bytes read.
const BYTES: u64 = 512 << 20;
/// Larger files are left out.
const LARGEST: u64 = 16 << 20;
/// Files read at once.
const AT_ONCE: usize = 16;
/// Requests for what a thing is that are under way at once.
const LOOKED_AT_ONCE: usize = 64;
/// Characters of a line that are told.
const LINE: usize = 500;
/// Memory a regular expression may take, in bytes.
const REGEX_SIZE: usize = 1 << 20;

/// Searches.
pub async fn run(desk: &Desk<'_>, op: &Operation, ask: &Search) -> Result<Done, Failure> {
    let mut hunt = Hunt {
        desk,
        op,
        ask,
        glob: ask.glob.as_ref().map(|glob| globbing(glob.as_str(), ask.ignore_case)).transpose()?,
        limit: ask.limit.clamp(1, MOST),
        told: 0,
        bytes: 0,
        large: 0,
        unread: 0,
        guarded: 0,
    };
    let attrs = desk.sftp.stat(&desk.path).await.map_err(|error| error.failure("search", &desk.shown()))?;
    match ask.kind {
        SearchKind::Names => {
            let name = globbing(ask.pattern.as_str(), ask.ignore_case)?;
            hunt.names(&name).await
        }
        SearchKind::Lines => {
            let regex = RegexBuilder::new(ask.pattern.as_str())
                .case_insensitive(ask.ignore_case)
                .size_limit(REGEX_SIZE)
                .dfa_size_limit(REGEX_SIZE)
                .build()
                .map_err(|error| bad_pattern(&error.to_string()))?;
            match attrs.kind() {
                Kind::Directory => hunt.lines(&regex).await,
                _ => {
                    let name = place::split(&desk.path).map(|(_, name)| name).unwrap_or_default();
                    let file = Found { path: desk.path.clone(), below: name, depth: 1, attrs };
                    let full = hunt.files(&regex, vec![(file, false)]).await;
                    Ok(done(full, hunt.notes()))
                }
            }
        }
    }
}

fn bad_pattern(error: &str) -> Failure {
    let why = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
    Failure::new(
        ErrorCode::InvalidArgument,
        format!("the pattern cannot be used: {why}"),
        "lines: a regular expression as RE2 and Rust's regex crate know it; files: a glob with *, ?, ** and {a,b}",
    )
}

/// A glob: of the last name when it has no `/`, else of the path below the beginning.
struct Globbing {
    matcher: GlobMatcher,
    path: bool,
}

impl Globbing {
    fn fits(&self, found: &Found) -> bool {
        let text = place::shown(&found.below);
        let part = if self.path { text.as_str() } else { text.rsplit('/').next().unwrap_or_default() };
        self.matcher.is_match(part)
    }
}

fn globbing(glob: &str, ignore_case: bool) -> Result<Globbing, Failure> {
    let glob = glob.strip_prefix("./").unwrap_or(glob);
    let built = GlobBuilder::new(glob).literal_separator(true).case_insensitive(ignore_case).build();
    let matcher = built.map_err(|error| bad_pattern(&error.to_string()))?.compile_matcher();
    Ok(Globbing { matcher, path: glob.contains('/') })
}

/// Where a tree's names come from, in one order.
enum Source {
    /// SFTP, a directory at a time.
    Walk(Walk),
    /// The host's tools.
    Survey(Survey),
}

impl Source {
    async fn open(desk: &Desk<'_>, needles: Option<&Needles>) -> Result<Self, Failure> {
        match Survey::take(desk, needles).await {
            Some(survey) => Ok(Self::Survey(survey)),
            None => Ok(Self::Walk(Walk::below(&desk.sftp, &desk.path).await?)),
        }
    }

    /// The next thing, and whether it is known to be a file in which nothing can match.
    async fn next(&mut self) -> Option<(Found, bool)> {
        match self {
            Self::Walk(walk) => Some((walk.next(|_| true).await?, false)),
            Self::Survey(survey) => survey.next(),
        }
    }

    /// What is to be told of directories that could not be listed.
    fn notes(&self) -> Vec<Text> {
        match self {
            Self::Walk(walk) => unlisted(&walk.unread),
            Self::Survey(survey) => unlisted(&survey.unread),
        }
    }

    /// Things with all that SFTP says of them, as far as they are still there.
    async fn complete(&self, desk: &Desk<'_>, mut found: Vec<Found>) -> Result<Vec<Found>, SftpError> {
        let Self::Survey(_) = self else { return Ok(found) };
        for some in found.chunks_mut(LOOKED_AT_ONCE) {
            let mut asked = Vec::with_capacity(some.len());
            for one in some.iter() {
                asked.push(desk.sftp.start_lstat(&one.path).await?);
            }
            for (one, asked) in some.iter_mut().zip(asked) {
                match asked.attrs().await {
                    Ok(attrs) => one.attrs = attrs,
                    Err(SftpError::Status(..)) => {}
                    Err(lost) => return Err(lost),
                }
            }
        }
        Ok(found)
    }
}

struct Hunt<'a> {
    desk: &'a Desk<'a>,
    op: &'a Operation,
    ask: &'a Search,
    glob: Option<Globbing>,
    limit: u32,
    told: u32,
    bytes: u64,
    large: usize,
    unread: usize,
    guarded: usize,
}

impl Hunt<'_> {
    async fn names(&mut self, name: &Globbing) -> Result<Done, Failure> {
        let began = Instant::now();
        let mut source = Source::open(self.desk, None).await?;
        let (mut seen, mut full) = (0, false);
        let mut fitting = Vec::new();
        while let Some((found, _)) = source.next().await {
            seen += 1;
            let fits = name.fits(&found) && self.glob.as_ref().is_none_or(|glob| glob.fits(&found));
            full = seen > SEEN || began.elapsed() > TIME || fits && fitting.len() == self.limit as usize;
            if full {
                break;
            }
            if fits {
                fitting.push(found);
            }
        }
        let lost = |error: SftpError| error.failure("search", &self.desk.shown());
        for found in source.complete(self.desk, fitting).await.map_err(lost)? {
            self.desk.tell(self.op, Event::Entry(found.entry(&self.desk.sftp).await));
        }
        Ok(done(full, source.notes()))
    }

    async fn lines(&mut self, regex: &Regex) -> Result<Done, Failure> {
        let began = Instant::now();
        let needles = needle::of(self.ask.pattern.as_str(), self.ask.ignore_case);
        let mut source = Source::open(self.desk, needles.as_ref()).await?;
        let mut seen = 0;
        let mut batch = Vec::new();
        let mut full = false;
        loop {
            let next = source.next().await;
            let over = next.is_none();
            if let Some((found, barren)) = next {
                seen += 1;
                if found.attrs.kind() == Kind::File && self.wanted(&found) {
                    batch.push((found, barren));
                }
            }
            full |= seen > SEEN || began.elapsed() > TIME || self.bytes > BYTES;
            if batch.len() == AT_ONCE || over || full {
                full |= self.files(regex, std::mem::take(&mut batch)).await;
            }
            if over || full {
                let mut notes = source.notes();
                notes.extend(self.notes());
                return Ok(done(full, notes));
            }
        }
    }

    /// Whether a file is to be read; those whose reading would need a confirmation of its own are not.
    fn wanted(&mut self, found: &Found) -> bool {
        if self.glob.as_ref().is_some_and(|glob| !glob.fits(found)) {
            return false;
        }
        if found.attrs.size.unwrap_or(0) > LARGEST {
            self.large += 1;
            return false;
        }
        let subject = self.desk.target.subject(self.desk.principal);
        let path = place::shown(&found.path);
        let judgement = self.desk.now.policy.judge_path(&subject, PathAction::Read, &path);
        let free = judgement.verdict == Verdict::Allow;
        self.guarded += usize::from(!free);
        free
    }

    /// Looks through some files, in order, those without a chance left out; true when there are matches enough.
    async fn files(&mut self, regex: &Regex, files: Vec<(Found, bool)>) -> bool {
        let mut reading = JoinSet::new();
        let mut contents: Vec<Option<Vec<u8>>> = Vec::new();
        contents.resize_with(files.len(), || None);
        for (at, (file, barren)) in files.iter().enumerate() {
            if *barren {
                continue;
            }
            let (sftp, path) = (self.desk.sftp.clone(), file.path.clone());
            reading.spawn(async move { (at, sftp.read_file(&path, 0, LARGEST).await) });
        }
        while let Some(read) = reading.join_next().await {
            match read {
                Ok((at, Ok((content, _)))) => contents[at] = Some(content),
                _ => self.unread += 1,
            }
        }
        for ((file, _), content) in files.iter().zip(contents) {
            let Some(content) = content else { continue };
            self.bytes += content.len() as u64;
            if !is_binary(&content) && self.look(regex, file, &content) {
                return true;
            }
        }
        false
    }

    /// Looks through one file; true when there are matches enough.
    fn look(&mut self, regex: &Regex, file: &Found, content: &[u8]) -> bool {
        let clean = self.desk.sftp.lease().redactor().bytes(content);
        let text = String::from_utf8_lossy(clean.as_bytes());
        let lines: Vec<&str> = text.lines().collect();
        let around = self.ask.context.min(20) as usize;
        for (at, line) in lines.iter().enumerate() {
            if !regex.is_match(line) {
                continue;
            }
            if self.told == self.limit {
                return true;
            }
            self.told += 1;
            let part = |from: usize, to: usize| List::clip(lines[from..to].iter().map(|line| short(line)));
            let found = Match {
                path: place::shown(&file.below).into(),
                line: at as u64 + 1,
                text: short(line),
                before: part(at.saturating_sub(around), at),
                after: part(at + 1, (at + 1 + around).min(lines.len())),
            };
            self.desk.tell(self.op, Event::Match(found));
        }
        false
    }

    fn notes(&self) -> Vec<Text> {
        let told = |count: usize, what: &str| (count > 0).then(|| Text::clip(format!("{count} {what}")));
        [
            told(self.unread, "files could not be read"),
            told(self.large, "files of more than 16 MiB were left out"),
            told(self.guarded, "files were left out because reading them needs a confirmation"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn short(line: &str) -> Text {
    match line.char_indices().nth(LINE) {
        Some((at, _)) => format!("{}...", &line[..at]).into(),
        None => line.into(),
    }
}
