//! Tables: as wide as their cells, or fitted to a terminal.

use super::text_width::{display_width, fitted, shortened, shortened_in_the_middle};

/// Number of spaces between columns.
const GAP: usize = 2;

/// A column of a table that fits a terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) head: &'static str,
    /// Width to which the cells may be shortened; `None`: they are never shortened.
    pub(super) min: Option<usize>,
    /// Columns are left out in this order, the lowest first, when there is too little room; `None`: never.
    pub(super) drop_order: Option<u8>,
    /// Which part of a cell is left out when it is shortened.
    pub(super) cut: Cut,
}

/// The part of a text that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// The end.
    End,
    /// The middle: names often differ at their end.
    Middle,
}

/// Width to which columns are shortened when none is left that can be left out.
const LAST_RESORT: usize = 10;

/// A table whose columns are as wide as their widest cell.
pub(super) fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = heads.iter().map(|head| display_width(head)).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(display_width(cell));
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, width)| fitted(cell, *width));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut heads.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

/// The widths of columns on a terminal; `None` for a column that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Widths(Vec<Option<usize>>);

impl Widths {
    /// Fits a table into `columns` of a terminal. Wide cells are shortened first; then columns are left out.
    pub(super) fn fit(table: &[Column], rows: &[Vec<String>], columns: usize) -> Self {
        let natural: Vec<usize> = table
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| display_width(cell));
                cells.max().unwrap_or(0).max(display_width(column.head)).min(columns)
            })
            .collect();
        let mut widths = Self(natural.iter().copied().map(Some).collect());
        // A column without content needs no room.
        for (width, natural) in widths.0.iter_mut().zip(&natural) {
            *width = width.filter(|_| *natural > 0);
        }
        loop {
            widths.shrink(table, columns, usize::MAX);
            let next = table.iter().enumerate().filter(|(index, _)| widths.0[*index].is_some());
            let next = next.filter_map(|(index, column)| Some((column.drop_order?, index))).min();
            match next {
                Some((_, index)) if widths.total() > columns => {
                    widths.0[index] = None;
                    for (width, natural) in widths.0.iter_mut().zip(&natural) {
                        *width = width.map(|_| *natural);
                    }
                }
                _ => {
                    widths.shrink(table, columns, LAST_RESORT);
                    return widths;
                }
            }
        }
    }

    /// Shortens the widest columns that may be shortened, until the table fits: to their minimum, at most to `limit`.
    fn shrink(&mut self, table: &[Column], columns: usize, limit: usize) {
        while self.total() > columns {
            let shrinkable = self.0.iter_mut().zip(table).filter_map(|(width, column)| {
                let width = width.as_mut()?;
                (*width > column.min?.min(limit)).then_some(width)
            });
            let Some(widest) = shrinkable.max_by_key(|width| **width) else { return };
            *widest -= 1;
        }
    }

    fn total(&self) -> usize {
        let shown = self.0.iter().flatten();
        shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
    }

    /// The cells of a row, fitted; those of columns that are left out are missing.
    pub(super) fn cells(&self, table: &[Column], row: &[impl AsRef<str>]) -> Vec<String> {
        let all = self.0.iter().zip(table).zip(row);
        let shown = all.filter_map(|((width, column), cell)| Some(((*width)?, column, cell.as_ref())));
        let cell = |(width, column, cell): (usize, &Column, &str)| match column.cut {
            Cut::End => fitted(cell, width),
            Cut::Middle => fitted(&shortened_in_the_middle(cell, width), width),
        };
        shown.map(cell).collect()
    }

    /// One line, at most as wide as the terminal.
    pub(super) fn line(&self, table: &[Column], row: &[impl AsRef<str>], columns: usize) -> String {
        shortened(self.cells(table, row).join("  ").trim_end(), columns)
    }

    /// The index of a column among those that are shown.
    pub(super) fn shown_index(&self, column: usize) -> Option<usize> {
        self.0.get(column)?.as_ref()?;
        Some(self.0[..column].iter().flatten().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [Column; 4] = [
        Column { head: "JOB", min: None, drop_order: None, cut: Cut::End },
        Column { head: "PACKAGE", min: Some(8), drop_order: None, cut: Cut::Middle },
        Column { head: "RULE", min: Some(6), drop_order: Some(1), cut: Cut::End },
        Column { head: "", min: Some(10), drop_order: Some(2), cut: Cut::End },
    ];

    fn rows() -> Vec<Vec<String>> {
        let row = |package: &str, note: &str| {
            ["1m8h0000000000", package, "audio-attestation", note].map(str::to_owned).to_vec()
        };
        vec![row("語語語語語語語語語語.cab", "cannot create product: 400 InvalidInput"), row("b.cab", "")]
    }

    #[test]
    fn table_never_exceeds_the_terminal() {
        let rows = rows();
        for columns in 1..120 {
            let widths = Widths::fit(&TABLE, &rows, columns);
            for row in &rows {
                let line = widths.line(&TABLE, row, columns);
                assert!(display_width(&line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn columns_are_shortened_first_and_then_left_out_in_order() {
        let rows = rows();
        for (columns, shown) in [
            (100, [true; 4]),
            (44, [true; 4]),
            (40, [true, true, false, true]),
            (30, [true, true, false, false]),
        ] {
            let widths = Widths::fit(&TABLE, &rows, columns);
            assert_eq!(
                widths.0.iter().map(Option::is_some).collect::<Vec<_>>(),
                shown,
                "{columns}: {widths:?}"
            );
            assert!(widths.line(&TABLE, &rows[0], columns).starts_with("1m8h0000000000  語語"), "{columns}");
        }
        assert_eq!(Widths::fit(&TABLE, &[], 80).0, [Some(3), Some(7), Some(4), None]);
    }
}
