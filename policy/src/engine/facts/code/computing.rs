//! Code of languages that are not read: words that only compute, look and print.

/// Names that reach nothing outside the program, in any language that has them.
const COMPUTING: &str = " print println printf puts putStrLn puts write_line writeln display disp show inspect cat paste paste0 format sprintf toString \
    io put_line IO puts inspect io_lib fwrite console log nl write_canonical halt init stop quit exit q \
    version Version VERSION sessionInfo packageVersion R string otp_release system_info system_version build_info erlang System Mix Elixir application get_key \
    using import library require Pkg test Test tests run_tests runtests devtools testthat test_dir test_local test_file load_all document check lintr lint_package styler \
    status instantiate precompile ExUnit mix true false nil null NULL NA TRUE FALSE undef None Some Just Nothing \
    let in if then else elif elseif end for each do done begin fn fun function lambda def where return case of when while var val const int double float string bool char list \
    and or not xor mod div rem abs min max sum prod mean median sd std var sqrt exp log log2 log10 sin cos tan asin acos atan atan2 sinh cosh tanh pi inf nan floor ceil ceiling \
    round trunc rev reverse sort order uniq unique length size nrow ncol dim head tail rep seq seq_len range linspace zeros ones eye rand randn rng seed set inv det eig trace \
    transpose norm rank kron cross dot matrix array vector cumsum cumprod diff integrate solve factor expand simplify ratsimp limit taylor series derivative binomial factorial \
    gcd lcm isprime is_prime primes fib map filter reduce fold foldl foldr zip take drop lapply sapply vapply apply mapply Reduce Filter Enum List Map String Integer Float \
    upcase downcase upper lower toupper tolower split join trim strip replace gsub sub concat append nchar strlen summary str table data frame names levels factor colnames rownames \
    set term terminal png svg pdf pdfcairo pngcairo dumb output plot splot with lines linespoints points boxes title xlabel ylabel grid key logscale xrange yrange using datafile \
    separator size lw lt pt ps style read delim csv header sep comment stringsAsFactors colSums rowSums colMeans rowMeans cond format long short _VERSION jit \
    mtcars iris lm glm coef predict quantile cor hist typeof class methods help doc info apropos ls ";

/// Whether nothing in the code is called by a name that is not among those.
pub(super) fn only_computes(code: &str) -> bool {
    if code.trim().len() < 3 {
        return false;
    }
    // What is put into a text, run or quoted in another way is not looked into.
    if code.contains(['`', '\0']) || code.contains("#{") || code.contains("${") || code.contains("$(") {
        return false;
    }
    let mut outside = String::new();
    let (mut quote, mut escaped) = (None, false);
    for c in code.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => {
                quote = Some(c);
                outside.push(' ');
            }
            None => outside.push(c),
        }
    }
    let mut words =
        outside.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    // gnuplot reads from and writes to commands behind these signs.
    let piped =
        super::strings(code).iter().any(|text| text.trim_start().starts_with(['|', '<', '!', '/', '~']));
    quote.is_none()
        && !(piped && outside.contains("plot"))
        && words.all(|word| {
            word.len() == 1
                || word.starts_with(|c: char| c.is_ascii_digit())
                || COMPUTING.split_ascii_whitespace().any(|known| known == word)
        })
}

#[cfg(test)]
mod tests {
    use super::only_computes;

    #[test]
    fn code_that_computes_or_runs_tests_is_known() {
        for code in [
            "IO.puts System.version()",
            "io:format(\"~s~n\",[erlang:system_info(otp_release)]), halt().",
            "devtools::test()",
            "using Pkg; Pkg.test()",
            "disp(inv([1 2;3 4]))",
            "integrate(x^2,x);",
            "run_tests",
            "1 + 2",
        ] {
            assert!(only_computes(code), "{code}");
        }
    }

    #[test]
    fn any_other_name_is_not() {
        for code in [
            "unlink(\"x\")",
            "system('ls')",
            "os:cmd(\"reboot\").",
            "rm(\"x\")",
            "run(`sh`)",
            "puts \"#{x}\"",
            "Pkg.rm",
            "print('a",
            "shell(x)",
            "load('os.remove(1)')()",
            "load 'x.gp'",
        ] {
            assert!(!only_computes(code), "{code}");
        }
    }
}
