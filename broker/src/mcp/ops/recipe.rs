//! `ssh_recipe`: the operator's own commands, by name.

use std::collections::BTreeMap;

use sallyport_protocol::{ErrorCode, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recipes::{Book, book};
use super::run::{Ran, Tool, perform};
use crate::mcp::answer::{Answer, Status};
use crate::mcp::call::{Call, Handled, invalid};
use crate::mcp::exec::Asked;

/// The arguments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The recipe; without it the recipes are listed.
    name: Option<String>,
    /// Where: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: Option<String>,
    /// Its parameters.
    #[serde(default)]
    arguments: BTreeMap<String, String>,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

/// The answer's own fields.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Fields {
    /// Without a name: what there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipes: Option<Vec<Listed>>,
    /// Without a name: what keeps recipes.toml as it is now from being in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    mistake: Option<String>,
    /// What the recipe's command printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout: Option<String>,
    #[serde(flatten)]
    ran: Option<Ran>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Listed {
    name: String,
    description: String,
    parameters: Vec<ListedParameter>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ListedParameter {
    name: String,
    description: String,
    /// The regular expression a whole value fits.
    pattern: String,
    /// Its value where none is given; without it one is needed.
    default: Option<String>,
}

/// A recipe's command, and where it runs.
struct Cooked {
    command: String,
    asked: Asked,
}

impl Tool for Cooked {
    type Fields = Fields;

    fn asked(&self) -> Asked {
        self.asked.clone()
    }

    fn needs(&self) -> &'static str {
        "program that the recipe names"
    }

    fn command(&self) -> Result<String, Failure> {
        Ok(self.command.clone())
    }

    fn read(&self, out: &str, ran: Ran) -> Fields {
        Fields { stdout: Some(out.to_owned()), ran: Some(ran), ..Fields::default() }
    }
}

/// Lists recipes, or runs one.
pub async fn recipe(call: &Call) -> Handled {
    let args: Args = call.arguments()?;
    let book = book();
    let (Some(name), Some(target)) = (&args.name, &args.target) else {
        return match (&args.name, &args.target) {
            (None, None) => Ok(list(&book).into()),
            _ => Err(invalid("give a name and a target, or neither to list the recipes")),
        };
    };
    let recipe = book.recipes.get(name).ok_or_else(|| unknown(name, &book))?;
    let command = recipe.command(&args.arguments)?;
    let asked = Asked {
        target: target.clone(),
        run_as: recipe.run_as.clone(),
        secrets: recipe.secrets.clone(),
        timeout_s: recipe.timeout_s,
        confirm: args.confirm,
        confirmation_id: args.confirmation_id.clone(),
    };
    perform(call, &Cooked { command, asked }).await
}

fn unknown(name: &str, book: &Book) -> Failure {
    let names: Vec<&str> = book.recipes.keys().map(String::as_str).collect();
    let hint = match (&book.mistake, names.is_empty()) {
        (Some(mistake), _) => format!("recipes.toml as it is now is not in force: {mistake}"),
        (None, true) => {
            "the operator writes recipes into recipes.toml in the configuration directory".to_owned()
        }
        (None, false) => format!("there are {}", names.join(", ")),
    };
    Failure::new(
        ErrorCode::InvalidArgument,
        format!("there is no recipe {}", crate::format::one_line(name)),
        hint,
    )
}

fn list(book: &Book) -> Answer {
    let recipes: Vec<Listed> = book
        .recipes
        .values()
        .map(|recipe| Listed {
            name: recipe.name.clone(),
            description: recipe.description.clone(),
            parameters: recipe
                .parameters
                .iter()
                .map(|(name, parameter)| ListedParameter {
                    name: name.clone(),
                    description: parameter.description.clone(),
                    pattern: parameter.pattern.clone(),
                    default: parameter.default.clone(),
                })
                .collect(),
        })
        .collect();
    let mut text: String = recipes
        .iter()
        .map(|recipe| {
            let names: Vec<&str> =
                recipe.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            format!("{} ({}): {}\n", recipe.name, names.join(", "), recipe.description)
        })
        .collect();
    text.push_str(&format!("[{} recipes]", recipes.len()));
    if let Some(mistake) = &book.mistake {
        text.push_str(&format!("\n[recipes.toml as it is now is not in force: {mistake}]"));
    }
    let fields = Fields { recipes: Some(recipes), mistake: book.mistake.clone(), ..Fields::default() };
    Answer::new(Status::Ok, &fields, text)
}
