-- cli_filter.lua for Slurm 22.05 with oci-22.05.conf: `srun --container=IMAGE.sif`.
--
-- Install it beside slurm.conf on the submit hosts, with `CliFilterPlugins=lua` in slurm.conf there. A site that has a
-- cli_filter.lua takes over the function `apus_container` and the line that calls it.
--
-- Slurm 22.05 takes a directory with a config.json for --container. A SIF (or a squashfs file) is replaced by one that
-- stands for it, of the command line, of #SBATCH lines, and of SRUN_CONTAINER alike.

-- The program on the submit hosts.
local apus = "/usr/bin/apus"

-- Where the directories are made: a folder that the submit hosts and the daemons of all nodes see, in which every user may
-- make a folder of their own (mode 1777). Each has one small file per image. nil: the user's runtime directory, which is
-- enough only where jobs run on the host they are submitted from.
local shared = nil

local function quoted(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- The directory for an image; an absolute path of the value itself where it is none, because slurmd would look for it from
-- its own directory; nil after a message where it cannot be used.
local function apus_container(image)
  if not image:match("^/") then
    local pipe = io.popen("pwd", "r")
    local directory = pipe and pipe:read("*l")
    if pipe then
      pipe:close()
    end
    image = (directory or "") .. "/" .. image
  end
  if not (image:match("%.sif$") or image:match("%.sqsh$") or image:match("%.sqfs$")) then
    return image
  end
  local command = quoted(apus) .. " slurm bundle"
  if shared then
    command = command .. " --dir " .. quoted(shared)
  end
  -- What the program has to say goes to the user's terminal.
  local pipe = io.popen(command .. " -- " .. quoted(image), "r")
  if not pipe then
    slurm.log_error("apus: cannot run %s", apus)
    return nil
  end
  local bundle = pipe:read("*l")
  pipe:close()
  if not bundle or bundle == "" then
    slurm.log_error("apus: --container=%s cannot be used", image)
    return nil
  end
  return bundle
end

-- Whether the options ask for more tasks than one on a node, which slurmd would refuse without a reason.
local function has_several_tasks(options)
  local tasks = tonumber(options["ntasks"] or "")
  local nodes = tonumber(options["nodes"] or "")
  local each = tonumber(options["ntasks-per-node"] or "")
  return (each and each > 1) or (tasks and tasks > (nodes or 1))
end

function slurm_cli_setup_defaults(options, early_pass)
  return slurm.SUCCESS
end

function slurm_cli_pre_submit(options, pack_offset)
  local image = options["container"]
  if image and image ~= "" then
    local bundle = apus_container(image)
    if not bundle then
      return slurm.ERROR
    end
    if bundle ~= image then
      options["container"] = bundle
    end
    if options["type"] ~= "sbatch" and options["type"] ~= "salloc" and has_several_tasks(options) then
      slurm.log_error("apus: this Slurm starts one task on a node with --container: ask for as many nodes as tasks (-N)")
      return slurm.ERROR
    end
  end
  return slurm.SUCCESS
end

function slurm_cli_post_submit(offset, job_id, step_id)
  return slurm.SUCCESS
end
