/// The scripts every image carries in `/.singularity.d`, for runtimes that execute what the image brings. They run in
/// any POSIX shell. The names and what each is for are the interface between images and runtimes; the text is ours.
enum ContainerScripts {
  static let shebang = "#!/bin/sh\n"

  /// `env/*.sh`, sourced in the order of their names before the program starts.
  static let environment: [(name: String, text: String)] = [
    ("01-base.sh", shebang + "# Variables of the base system belong here.\n"),
    ("90-environment.sh", shebang + "# Variables of this container belong here.\n"),
    ("95-apps.sh", shebang + "# Variables of SCIF applications belong here.\n"),
    (
      "99-base.sh",
      shebang + """
        # Libraries that a runtime binds in (GPU drivers) are found last.
        LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/.singularity.d/libs"
        : "${PS1:=Container> }"
        export LD_LIBRARY_PATH PS1

        """
    ),
    (
      "99-runtimevars.sh",
      shebang + """
        # What the user asked for on the command line goes around what the image set.
        if [ -n "${SING_USER_DEFINED_PREPEND_PATH:-}" ]; then
            PATH="$SING_USER_DEFINED_PREPEND_PATH:$PATH"
        fi
        if [ -n "${SING_USER_DEFINED_APPEND_PATH:-}" ]; then
            PATH="$PATH:$SING_USER_DEFINED_APPEND_PATH"
        fi
        if [ -n "${SING_USER_DEFINED_PATH:-}" ]; then
            PATH="$SING_USER_DEFINED_PATH"
        fi
        unset SING_USER_DEFINED_PREPEND_PATH SING_USER_DEFINED_APPEND_PATH SING_USER_DEFINED_PATH
        export PATH

        """
    ),
  ]

  /// Reads the environment the way all actions need it.
  private static let sourcing = """
    for part in /.singularity.d/env/*.sh; do
        [ -f "$part" ] && . "$part"
    done

    """

  /// `actions/*`: how an old runtime enters the container.
  static let actions: [(name: String, text: String)] = [
    ("exec", shebang + sourcing + "exec \"$@\"\n"),
    (
      "run",
      shebang + sourcing + """
        for script in /.singularity.d/runscript /singularity; do
            [ -x "$script" ] && exec "$script" "$@"
        done
        exec /bin/sh "$@"

        """
    ),
    (
      "shell",
      shebang + sourcing + """
        if [ -n "${SINGULARITY_SHELL:-}" ] && [ -x "$SINGULARITY_SHELL" ]; then
            exec "$SINGULARITY_SHELL" "$@"
        fi
        [ -x /bin/bash ] && exec /bin/bash --norc "$@"
        exec /bin/sh "$@"

        """
    ),
    (
      "start",
      shebang + sourcing + """
        [ -x /.singularity.d/startscript ] && exec /.singularity.d/startscript "$@"

        """
    ),
    (
      "test",
      shebang + sourcing + """
        [ -x /.singularity.d/test ] && exec /.singularity.d/test "$@"
        echo "This container has no test." >&2

        """
    ),
  ]

  /// For a container whose maker said nothing about running it: says so, and gives a shell.
  static let defaultRunscript =
    shebang + """
      echo "There is no runscript defined for this container" >&2
      [ $# -gt 0 ] && exec "$@"
      exec /bin/sh

      """

  static let startscript = shebang
}
