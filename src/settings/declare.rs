//! The macro that declares settings.

/// Declares the settings of a factory: a struct, its documentation, and for each option its
/// name, type and default.
///
/// The doc comments become what `explain`, the reference and editors show. A default is written
/// as it would stand in a file. An option without one must be given, unless its type is an
/// `Option` or a list. The struct is `Clone` and `Debug`, and what a `derive` after its comment
/// says.
///
/// ```
/// use pasteline::settings;
///
/// settings! {
///     /// Answers `418 I'm a teapot` to requests for `path`.
///     pub struct Teapot {
///         /// The path that gets the refusal.
///         path: String = "/coffee",
///         /// What is served in its place, if anything.
///         instead: Option<String>,
///     }
/// }
///
/// use pasteline::settings::Settings;
/// assert_eq!(Teapot::OPTIONS[0].default, Some("/coffee"));
/// assert!(!Teapot::OPTIONS[1].required);
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $doc:expr])*
        $(#[derive($($derive:path),*)])?
        $visibility:vis struct $name:ident {
            $(
                $(#[doc = $option_doc:expr])*
                $option:ident: $type:ty $(= $default:literal)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug $($(, $derive)*)?)]
        $visibility struct $name {
            $(
                $(#[doc = $option_doc])*
                pub $option: $type,
            )*
        }

        impl $crate::settings::Settings for $name {
            const DOC: &'static str = concat!($($doc, "\n",)*);

            const OPTIONS: &'static [$crate::settings::OptionSpec] = &[
                $($crate::settings::OptionSpec::of::<$type>(
                    stringify!($option),
                    concat!($($option_doc, "\n",)*),
                    $crate::settings!(@default $($default)?),
                ),)*
            ];

            #[allow(unused_mut, unused_variables, reason = "settings may have no option")]
            fn read(reader: &mut $crate::settings::Reader<'_>) -> Option<Self> {
                let mut options = Self::OPTIONS.iter();
                $(let $option = options.next().and_then(|option| reader.take::<$type>(option));)*
                Some(Self { $($option: $option?,)* })
            }
        }
    };
    (@default $default:literal) => { Some($default) };
    (@default) => { None };
}
