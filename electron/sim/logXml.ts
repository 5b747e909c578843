// `nvidia-smi -q -x`: only identity, memory, utilisation, power and processes. The one format that carries the type of a process.
import { DRIVER_VERSION } from './queryGpu.ts'
import type { Reading } from './reading.ts'

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function processXml(tenant: Reading['tenants'][number]): string {
  return `			<process_info>
				<gpu_instance_id>N/A</gpu_instance_id>
				<compute_instance_id>N/A</compute_instance_id>
				<pid>${tenant.pid}</pid>
				<type>${tenant.load?.mpsServerPid == null ? 'C' : 'M+C'}</type>
				<process_name>${escape(tenant.command)}</process_name>
				<used_memory>${tenant.memoryMiB} MiB</used_memory>
			</process_info>
`
}

function gpuXml({ gpu, tenants, kernelBusy, memoryBusy, usedMemoryMiB, powerW, temperatureCelsius }: Reading): string {
  const { card } = gpu
  return `	<gpu id="${gpu.busId}">
		<product_name>${card.name}</product_name>
		<persistence_mode>Enabled</persistence_mode>
		<uuid>${gpu.uuid}</uuid>
		<minor_number>${gpu.index}</minor_number>
		<fb_memory_usage>
			<total>${card.memoryTotalMiB} MiB</total>
			<reserved>${card.memoryReservedMiB} MiB</reserved>
			<used>${usedMemoryMiB} MiB</used>
			<free>${card.memoryTotalMiB - card.memoryReservedMiB - usedMemoryMiB} MiB</free>
		</fb_memory_usage>
		<compute_mode>${gpu.exclusiveProcess ? 'Exclusive_Process' : 'Default'}</compute_mode>
		<utilization>
			<gpu_util>${Math.round(kernelBusy)} %</gpu_util>
			<memory_util>${Math.round(memoryBusy)} %</memory_util>
		</utilization>
		<temperature>
			<gpu_temp>${temperatureCelsius} C</gpu_temp>
		</temperature>
		<gpu_power_readings>
			<instant_power_draw>${powerW.toFixed(2)} W</instant_power_draw>
			<current_power_limit>${card.powerLimitW.toFixed(2)} W</current_power_limit>
		</gpu_power_readings>
		<processes>
${tenants.map(processXml).join('')}		</processes>
	</gpu>

`
}

/** Mon Nov 23 22:35:45 2026. */
function timestamp(nowMs: number): string {
  const [weekday, month, day, year, time] = new Date(nowMs).toString().split(' ')
  return `${weekday} ${month} ${day} ${time} ${year}`
}

export function logXml(readings: readonly Reading[], nowMs: number): string {
  return `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v13.dtd">
<nvidia_smi_log>
	<timestamp>${timestamp(nowMs)}</timestamp>
	<driver_version>${DRIVER_VERSION}</driver_version>
	<cuda_version>13.0</cuda_version>
	<attached_gpus>${readings.length}</attached_gpus>
${readings.map(gpuXml).join('')}</nvidia_smi_log>
`
}
