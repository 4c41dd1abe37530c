//! Values of PostGIS's types: [`geometry`].

/// A geometry of the kind that `geometry(Point,4326)` asks for.
#[must_use]
pub fn geometry(spelled: &str, row: u32) -> String {
    let inside = spelled
        .split_once('(')
        .map_or("", |(_, rest)| rest.trim_end_matches(')'));
    let (kind, srid) = inside.split_once(',').unwrap_or((inside, ""));
    let kind = kind.to_uppercase();
    let stem = kind.trim_end_matches(['Z', 'M']);
    let size = 2 + kind.len() - stem.len();
    let dimensions = &kind[stem.len()..];
    let corner = |x: u32, y: u32| -> String {
        let rest = std::iter::repeat_n("1".to_owned(), size - 2);
        [format!("{x}"), format!("{y}")]
            .into_iter()
            .chain(rest)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let x = row % 170;
    let ring = [corner(x, 0), corner(x, 1), corner(x + 1, 1), corner(x, 0)].join(",");
    let line = format!("{},{}", corner(x, 1), corner(x, 2));
    let (name, body) = match stem {
        "LINESTRING" => (stem, line),
        "POLYGON" => (stem, format!("({ring})")),
        "MULTIPOINT" => (stem, format!("({})", corner(x, 2))),
        "MULTILINESTRING" => (stem, format!("({line})")),
        "MULTIPOLYGON" => (stem, format!("(({ring}))")),
        "GEOMETRYCOLLECTION" => (stem, format!("POINT {dimensions}({})", corner(x, 2))),
        _ => ("POINT", corner(x, 2)),
    };
    let srid = if srid.is_empty() {
        String::new()
    } else {
        format!("SRID={srid};")
    };
    format!("{srid}{name} {dimensions}({body})")
}

#[cfg(test)]
mod tests {
    use super::geometry;

    #[test]
    fn each_kind_has_its_form() {
        let of = |spelled| geometry(spelled, 7);
        assert_eq!(of("public.geometry(Point,4326)"), "SRID=4326;POINT (7 2)");
        assert_eq!(of("geometry"), "POINT (7 2)");
        assert_eq!(of("geometry(PointZM)"), "POINT ZM(7 2 1 1)");
        assert_eq!(
            of("geometry(MultiPolygon,3857)"),
            "SRID=3857;MULTIPOLYGON (((7 0,7 1,8 1,7 0)))"
        );
        assert_eq!(of("geometry(LineStringZ)"), "LINESTRING Z(7 1 1,7 2 1)");
    }
}
