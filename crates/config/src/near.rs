//! What was probably meant by a word that nobody knows.

/// The known word that this one is a slip of, if there is one.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    let measured = known.into_iter().filter_map(|other| {
        let spelled = other.to_ascii_lowercase().replace('-', "_");
        let distance = strsim::osa_distance(&word, &spelled);
        (distance <= allowed(&word, &spelled)).then_some((distance, other))
    });
    measured.min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

/// The one known word that begins with this one, such as `warning` for `warn`. One or two letters are the beginning of anything.
pub(crate) fn begun<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let mut begun = known.iter().copied().filter(|other| word.len() > 2 && other.starts_with(&word));
    begun.next().filter(|_| begun.next().is_none())
}

/// How many slips may lie between two words: one, and one more for every four letters beyond seven. Words of one or two letters
/// are all near each other.
fn allowed(word: &str, other: &str) -> usize {
    match word.len().max(other.len()) {
        0..3 => 0,
        length => (length / 4).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_left_alone() {
        let known = ["bind", "workers", "worker_class", "timeout", "user", "keepalive", "loglevel", "v1"];
        for (word, expected) in [
            ("wrokers", Some("workers")),
            ("worker", Some("workers")),
            ("Workers", Some("workers")),
            ("worker-class", Some("worker_class")),
            ("time_out", Some("timeout")),
            ("keep_alive", Some("keepalive")),
            ("log_level", Some("loglevel")),
            ("usr", Some("user")),
            ("bind_host", None),
            ("cores", None),
            ("max_workers", None),
            ("host", None),
            ("v3", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }

    #[test]
    fn a_word_that_is_cut_off_is_recognised_if_it_is_the_beginning_of_one() {
        let known = ["debug", "warning", "reload", "reuse"];
        for (word, expected) in
            [("warn", Some("warning")), ("DEB", Some("debug")), ("re", None), ("", None), ("x", None)]
        {
            assert_eq!(begun(word, &known), expected, "{word}");
        }
        assert_eq!(begun("rel", &["reload", "release"]), None);
    }

    #[test]
    fn the_nearest_of_several_wins() {
        assert_eq!(nearest("pre_fork2", ["post_fork", "pre_fork"]), Some("pre_fork"));
    }
}
