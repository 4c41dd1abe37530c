//! The servers that Compose files start: [`Images`], and which of them a service needs.
//!
//! Lines are read, not YAML: an image stands in one line of its own
//! (<https://docs.docker.com/reference/compose-file/services/#image>).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The official image, whose versions are its tags.
pub const OFFICIAL: &str = "postgres";
/// Makers whose images are set up in another way than the official one.
const SET_UP_OTHERWISE: [&str; 2] = ["bitnami", "bitnamilegacy"];

/// An image of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Image {
    /// The major version of the server in it.
    pub version: u32,
    /// Its name and tag, where the version alone does not say which one it is.
    pub own: Option<String>,
}

/// Every image of PostgreSQL that a Compose file names.
#[derive(Debug, Default)]
pub struct Images {
    /// With the directory of the file.
    named: Vec<(PathBuf, Image)>,
}

impl Images {
    /// Adds what a Compose file in `directory` says.
    pub fn read(&mut self, directory: &Path, text: &str) {
        let images = text.lines().filter_map(image);
        self.named
            .extend(images.map(|image| (directory.to_owned(), image)));
    }

    /// The image for a monorepo: of the version that is named most often, the newest of
    /// several, the one that has more in it than the official one.
    #[must_use]
    pub fn common(&self) -> Option<Image> {
        most_common(self.named.iter().map(|(_, image)| image))
    }

    /// The image for a service in `directory` whose revisions create `extensions`, where
    /// something tells which one it is.
    #[must_use]
    pub fn image_for(
        &self,
        root: &Path,
        directory: &Path,
        extensions: &BTreeSet<String>,
    ) -> Option<Image> {
        let own = directory.ancestors();
        let own = own.take_while(|above| *above != root);
        let mut own = own.map(|above| {
            let beside = self.named.iter().filter(move |(of, _)| of == above);
            most_common(beside.map(|(_, image)| image))
        });
        let nearest = own.find_map(|image| image);
        let brings = |image: &&Image| {
            let own = image.own.as_deref().unwrap_or_default();
            extensions
                .iter()
                .any(|extension| own.contains(&**extension))
        };
        let all = self.named.iter().map(|(_, image)| image);
        nearest.or_else(|| all.clone().find(brings).cloned())
    }
}

fn most_common<'i>(images: impl Iterator<Item = &'i Image> + Clone) -> Option<Image> {
    let named = |version: u32| images.clone().filter(|one| one.version == version).count();
    let versions = images.clone().map(|image| image.version);
    let version = versions.max_by_key(|version| (named(*version), *version))?;
    let of_version = images.filter(|image| image.version == version);
    let own: BTreeSet<&str> = of_version
        .filter_map(|image| image.own.as_deref())
        .collect();
    let names: BTreeSet<&str> = own.iter().filter_map(|own| own.split(':').next()).collect();
    Some(Image {
        version,
        // Of several, none has what the others have.
        own: own
            .last()
            .filter(|_| names.len() == 1)
            .map(|&own| own.to_owned()),
    })
}

/// The image in a line such as `image: postgres:16-alpine`, also one that brings an
/// extension with it (`postgis/postgis:16-3.4`, `timescale/timescaledb:2.17-pg16`).
fn image(line: &str) -> Option<Image> {
    let value = line.trim().strip_prefix("image:")?;
    let value = value.split(" #").next().unwrap_or_default();
    let value = default(value.trim().trim_matches(['"', '\'']));
    let (whole, _) = value.split_once('@').unwrap_or((value, ""));
    let (name, tag) = whole.rsplit_once(':')?;
    let number = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let last = name.rsplit('/').next()?;
    let version = match tag.split_once("pg") {
        Some((_, version)) => number(version),
        None if last.starts_with("postg") => number(tag),
        None => None,
    }
    .filter(|version| (9..100).contains(version))?;
    let maker = name.rsplit('/').nth(1).unwrap_or_default();
    let official = last == OFFICIAL && matches!(maker, "" | "library");
    let own = !official && !SET_UP_OTHERWISE.contains(&maker);
    Some(Image {
        version,
        own: own.then(|| whole.to_owned()),
    })
}

/// The default of a value that Compose takes from a variable: `${IMAGE:-postgres:16}`.
fn default(value: &str) -> &str {
    let variable = value
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    let parts = variable.and_then(|variable| variable.split_once('-'));
    parts.map_or(value, |(_, default)| default)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::{Images, image};

    #[rstest]
    #[case("    image: postgres:16-alpine", Some((16, None)))]
    #[case("    image: 'postgres:14.2'", Some((14, None)))]
    #[case("image: docker.io/library/postgres:17 # as in production", Some((17, None)))]
    #[case("image: postgres:16@sha256:0a1b", Some((16, None)))]
    #[case("image: ${POSTGRES_IMAGE:-postgres:15}", Some((15, None)))]
    #[case("image: postgis/postgis:15-3.4", Some((15, Some("postgis/postgis:15-3.4"))))]
    #[case(
        "image: timescale/timescaledb:2.17.2-pg17",
        Some((17, Some("timescale/timescaledb:2.17.2-pg17")))
    )]
    #[case("image: pgvector/pgvector:pg16", Some((16, Some("pgvector/pgvector:pg16"))))]
    #[case(
        "image: registry.example:5000/postgres:13",
        Some((13, Some("registry.example:5000/postgres:13")))
    )]
    #[case("image: bitnami/postgresql:16.2.0", Some((16, None)))]
    #[case("image: postgres", None)]
    #[case("image: postgres:latest", None)]
    #[case("image: redis:7", None)]
    #[case("# image: postgres:16", None)]
    fn reads_images(#[case] line: &str, #[case] expected: Option<(u32, Option<&str>)>) {
        let found = image(line);
        let found = found.as_ref();
        assert_eq!(
            found.map(|image| (image.version, image.own.as_deref())),
            expected
        );
    }

    fn images(files: &[(&str, &str)]) -> Images {
        let mut images = Images::default();
        for (directory, text) in files {
            images.read(Path::new(directory), text);
        }
        images
    }

    #[rstest]
    #[case::official(&["image: postgres:16"], Some("16"))]
    #[case::most_often(&["image: postgres:15", "image: postgres:15", "image: postgres:16"], Some("15"))]
    #[case::has_more_in_it(&["image: postgres:16", "image: pgvector/pgvector:pg16"], Some("pgvector/pgvector:pg16"))]
    #[case::none_has_all(&["image: postgis/postgis:16-3.4", "image: pgvector/pgvector:pg16"], Some("16"))]
    #[case::nothing(&["image: redis:7"], None)]
    fn finds_the_common_one(#[case] lines: &[&str], #[case] expected: Option<&str>) {
        let common = images(&[("/m", &lines.join("\n"))]).common();
        let shown = common.map(|image| image.own.unwrap_or(image.version.to_string()));
        assert_eq!(shown.as_deref(), expected);
    }

    #[rstest]
    #[case::nearest("/m/search", "", Some("pgvector/pgvector:pg16"))]
    #[case::brings_the_extension("/m/maps", "postgis", Some("postgis/postgis:15-3.4"))]
    #[case::nothing_tells("/m/maps", "pg_trgm", None)]
    fn finds_the_one_of_a_service(
        #[case] directory: &str,
        #[case] extension: &str,
        #[case] expected: Option<&str>,
    ) {
        let images = images(&[
            ("/m", "image: postgres:15\nimage: postgis/postgis:15-3.4"),
            ("/m/search", "image: pgvector/pgvector:pg16"),
        ]);
        let extensions = [extension.to_owned()]
            .into_iter()
            .filter(|name| !name.is_empty());
        let own = images.image_for(Path::new("/m"), Path::new(directory), &extensions.collect());
        assert_eq!(own.and_then(|image| image.own).as_deref(), expected);
    }
}
