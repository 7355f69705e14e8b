//! Text in the columns of a terminal.

use unicode_width::UnicodeWidthChar;

/// Number of columns of a character. Control characters have none; they are escaped before.
pub(super) fn char_width(letter: char) -> usize {
    letter.width().unwrap_or(0)
}

/// Number of columns of a text, at most: terminals differ for characters that are combined.
pub(super) fn display_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// The text in at most `columns`; `…` stands for what does not fit.
pub(super) fn shortened(text: &str, columns: usize) -> String {
    if display_width(text) <= columns {
        return text.to_owned();
    }
    let mut remaining = columns.saturating_sub(1);
    let fits = |letter: &char| {
        let width = char_width(*letter);
        let fits = width <= remaining;
        remaining = remaining.saturating_sub(width);
        fits
    };
    let mut short: String = text.chars().take_while(fits).collect();
    if columns > 0 {
        short.push('…');
    }
    short
}

/// The text in at most `columns`; `…` stands for the part in the middle that does not fit.
pub(super) fn shortened_in_the_middle(text: &str, columns: usize) -> String {
    if display_width(text) <= columns {
        return text.to_owned();
    }
    let mut remaining = columns.saturating_sub(1) / 2;
    let fits = |letter: &char| {
        let width = char_width(*letter);
        let fits = width <= remaining;
        remaining = remaining.saturating_sub(width);
        fits
    };
    let mut end: Vec<_> = text.chars().rev().take_while(fits).collect();
    end.reverse();
    let end: String = end.into_iter().collect();
    let begin = shortened(text, columns.saturating_sub(display_width(&end)));
    begin + &end
}

/// The text in exactly `columns`: shortened, or filled with spaces.
pub(super) fn fitted(text: &str, columns: usize) -> String {
    let mut fitted = shortened(text, columns);
    fitted.extend(std::iter::repeat_n(' ', columns.saturating_sub(display_width(&fitted))));
    fitted
}

/// The text in lines of at most `columns`, broken at spaces where possible; the lines after the first are indented.
pub(super) fn wrapped(text: &str, columns: usize, indent: usize) -> Vec<String> {
    let indent = indent.min(columns.saturating_sub(MIN_WRAPPED));
    let mut lines = Vec::new();
    let (mut line, mut width, mut words) = (String::new(), 0, 0);
    for word in text.split_inclusive(' ') {
        // A word that fits no line is broken where it stands.
        let length = display_width(word.trim_end());
        if words > 0 && width + length > columns && length <= columns - indent {
            lines.push(std::mem::take(&mut line));
            line.extend(std::iter::repeat_n(' ', indent));
            (width, words) = (indent, 0);
        }
        for letter in word.chars() {
            if width + char_width(letter) > columns && letter != ' ' {
                lines.push(std::mem::take(&mut line));
                line.extend(std::iter::repeat_n(' ', indent));
                width = indent;
            }
            line.push(letter);
            width += char_width(letter);
        }
        // Leading spaces are no word to break after.
        words += usize::from(word != " ");
    }
    lines.push(line);
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Minimum number of columns for the text of an indented line.
const MIN_WRAPPED: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shortened_by_its_display_width() {
        for (text, columns, short) in [
            ("echo.cab", 8, "echo.cab"),
            ("echo.cab", 7, "echo.c…"),
            ("語語語", 6, "語語語"),
            ("語語語", 5, "語語…"),
            ("語語語", 4, "語…"),
            ("e\u{301}cho", 4, "e\u{301}cho"),
            ("ab", 1, "…"),
            ("ab", 0, ""),
        ] {
            assert_eq!(shortened(text, columns), short, "{text} in {columns}");
            assert!(display_width(&shortened(text, columns)) <= columns);
            assert!(display_width(&shortened_in_the_middle(text, columns)) <= columns);
            assert_eq!(display_width(&fitted(text, columns)), columns);
        }
    }

    #[test]
    fn middle_of_a_text_is_left_out() {
        for (text, columns, short) in [
            ("audio-codec-2.5.0.cab", 12, "audio-…0.cab"),
            ("audio-codec-2.5.0.cab", 17, "audio-co….5.0.cab"),
            ("語語語語語語.cab", 10, "語語….cab"),
            ("echo.cab", 8, "echo.cab"),
        ] {
            assert_eq!(shortened_in_the_middle(text, columns), short, "{columns}");
        }
    }

    #[test]
    fn text_is_wrapped_at_spaces() {
        assert_eq!(
            wrapped("  key: one two three four five six seven", 30, 7),
            ["  key: one two three four five", "       six seven"]
        );
        assert_eq!(wrapped("aaaaaaaaaabbbbb", 10, 4), ["aaaaaaaaaa", "bbbbb"]);
        assert_eq!(wrapped("a aaaaaaaaaabb b", 10, 4), ["a aaaaaaaa", "aabb b"]);
        assert_eq!(wrapped("", 10, 4), [""]);
        for columns in 1..40 {
            for line in
                wrapped("語語語 cannot create product: 400 InvalidInput 語語語語語語語語", columns, 12)
            {
                assert!(display_width(&line) <= columns.max(2), "{line} in {columns}");
            }
        }
    }
}
