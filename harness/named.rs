//! Enums whose variants have a name: [`named_enum!`](named_enum).

/// Writes an enum, the list of its variants and their names from one list.
macro_rules! named_enum {
    (
        $(#[$outer:meta])*
        pub enum $enum:ident { $($(#[$inner:meta])* $variant:ident = $name:literal,)+ }
    ) => {
        $(#[$outer])*
        pub enum $enum {
            $($(#[$inner])* $variant,)+
        }

        impl $enum {
            /// All variants, in their order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(crate) use named_enum;
