//! Bounds the depth of expressions: they are compiled and evaluated by recursion, on stacks of any size.

/// Maximum number of operators, words, brackets and blocks of a template. Those of real rules have some dozens.
const MAX_OPERATORS: usize = 500;

/// Checks that a template is not too deep. Each operator can add a level, so their number is bounded.
///
/// # Errors
/// When there are too many.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut operators = 0;
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        rest = &rest[start..];
        let close = match rest.as_bytes() {
            [b'{', b'{', ..] => "}}",
            [b'{', b'%', ..] => "%}",
            [b'{', b'#', ..] => "#}",
            _ => {
                rest = &rest[1..];
                continue;
            }
        };
        // A closing mark inside of a quoted text ends the search too early, and the rest is counted with the next expression.
        let (inside, after) = rest[2..].split_once(close).unwrap_or((&rest[2..], ""));
        if close != "#}" {
            operators += count_operators(inside);
        }
        rest = after;
    }
    if operators > MAX_OPERATORS {
        return Err(format!(
            "the template is too complex: it has {operators} operators, more than {MAX_OPERATORS}"
        ));
    }
    Ok(())
}

/// Number of operators and words of an expression, except for those between quotes.
fn count_operators(expression: &str) -> usize {
    let mut number = 1;
    let mut quote = None;
    let mut is_word = false;
    for c in expression.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c.is_alphanumeric() || c == '_' => {
                number += usize::from(!is_word);
                is_word = true;
                continue;
            }
            None if c.is_whitespace() => {}
            None => number += 1,
        }
        is_word = false;
    }
    number
}

#[cfg(test)]
mod tests {
    use crate::template::Template;

    #[test]
    fn deep_template_is_refused_on_a_small_stack() {
        let deep = |open: &str, close: &str, times: usize| {
            format!("{{{{ {}1{} }}}}", open.repeat(times), close.repeat(times))
        };
        let mut hostile: Vec<String> = Vec::new();
        for times in [40, 140, 480, 1500, 4000] {
            for (open, close) in [
                ("(", ")"),
                ("[", "]"),
                ("{1:", "}"),
                ("-", ""),
                ("not ", ""),
                ("", "|upper"),
                ("", ".a"),
                ("", "[0]"),
                ("", "+1"),
                ("", "~1"),
                ("", "**1"),
                ("1 if 1 else ", ""),
                ("f(", ")"),
                ("", " and 1"),
                ("1==", ""),
            ] {
                hostile.push(deep(open, close, times));
            }
            hostile.push(format!("{}x{}", "{% if 1 %}".repeat(times), "{% endif %}".repeat(times)));
            hostile.push(format!("{{% if 1 %}}x{}{{% endif %}}", "{% elif 1 %}y".repeat(times)));
            hostile.push(format!("{}x{}", "{% for a in b %}".repeat(times), "{% endfor %}".repeat(times)));
            hostile.push(format!(
                "{}x{}",
                "{% filter upper %}".repeat(times),
                "{% endfilter %}".repeat(times)
            ));
            hostile.push("{{".repeat(times));
            hostile.push("{%".repeat(times));
        }
        let parse = move || {
            for text in &hostile {
                if let Ok(template) = Template::new(text) {
                    let _variables = template.variables();
                }
            }
        };
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(parse).expect("a thread");
        thread.join().expect("no overflow");
        Template::new("{{ inf.provider|replace('Contoso', 'C')|upper }} {{ file.stem }} {% if inf.version %}v{% endif %}").expect("a usual one");
        Template::new(&"x".repeat(4097)).expect_err("too long");
    }
}
