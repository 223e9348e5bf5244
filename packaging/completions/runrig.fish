# SPDX-License-Identifier: MIT
#
# Completion for fish: the words are asked of runrig itself.
function __runrig_commands
    runrig --help 2>/dev/null | string match -rg '^  ([a-z]+) '
end

function __runrig_options
    runrig (commandline -opc)[2] --help 2>/dev/null | string match -rga '(--[a-z-]+=?)'
end

function __runrig_kernels
    runrig kernels 2>/dev/null | string match -rg '^([a-z0-9-]+): '
end

complete -c runrig -n 'test (count (commandline -opc)) -eq 1' -f -a '(__runrig_commands) help'
complete -c runrig -n 'test (count (commandline -opc)) -eq 2; and contains -- (commandline -opc)[2] run kernels' -a '(__runrig_kernels)'
complete -c runrig -n 'test (count (commandline -opc)) -gt 1' -a '(__runrig_options)'
