//! What was counted, as text for Prometheus.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::snapshot::{BOUNDS, Served, Snapshot};

/// The content type of [`Snapshot::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl Snapshot {
    /// The text that Prometheus reads, in the form of `OpenMetrics` 1.0.
    pub fn text(&self) -> String {
        let mut registry = Registry::with_prefix("pasteline");
        registry.register_collector(Box::new(self.clone()));
        let mut text = String::new();
        encode(&mut text, &registry).expect("a text in memory can always be written to");
        text
    }
}

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families { encoder, snapshot: self };
        families.requests()?;
        families.histogram()?;
        families.gauges("requests_in_flight", "Requests that are being answered", |served| {
            served.in_flight
        })?;
        families.connections()?;
        families.gauges("connections_open", "Connections that are open", |served| {
            served.connections_open
        })?;
        let help = "Connections that go on in another protocol, such as WebSocket";
        families.gauges("connections_upgraded", help, |served| served.connections_upgraded)?;
        families.refusals()?;
        families.process()
    }
}

/// Writes one family of metrics after the other.
struct Families<'a, 'e> {
    encoder: DescriptorEncoder<'e>,
    snapshot: &'a Snapshot,
}

impl Families<'_, '_> {
    fn requests(&mut self) -> fmt::Result {
        let help = "Requests that have ended, by status; 499 if the client left";
        let mut family =
            self.encoder.encode_descriptor("requests", help, None, MetricType::Counter)?;
        for (app, served) in &self.snapshot.apps {
            for (status, count) in &served.statuses {
                let labels = [("app", app.clone()), ("status", status.to_string())];
                ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds need no 53 bits of nanoseconds")]
    fn histogram(&mut self) -> fmt::Result {
        let help = "How long requests took, from their heads to the ends of their responses";
        let name = "request_duration_seconds";
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        let seconds = |nanoseconds: u64| nanoseconds as f64 / 1e9;
        let bounds = BOUNDS.into_iter().map(seconds).chain([f64::INFINITY]);
        for (app, served) in &self.snapshot.apps {
            let buckets: Vec<_> = bounds.clone().zip(served.buckets.iter().copied()).collect();
            let count = served.buckets.iter().sum();
            let labels = [("app", app.as_str())];
            let mut metric = family.encode_family(&labels)?;
            let sum = seconds(served.nanoseconds);
            metric.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }

    fn connections(&mut self) -> fmt::Result {
        let help = "Connections that were accepted";
        let mut family =
            self.encoder.encode_descriptor("connections", help, None, MetricType::Counter)?;
        for (app, served) in &self.snapshot.apps {
            let labels = [("app", app.as_str())];
            ConstCounter::new(served.connections).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn refusals(&mut self) -> fmt::Result {
        let help = "Requests and connections that the server or a filter refused or ended";
        let mut family =
            self.encoder.encode_descriptor("refusals", help, None, MetricType::Counter)?;
        for (app, served) in &self.snapshot.apps {
            for (limit, count) in &served.refusals {
                let labels = [("app", app.as_str()), ("limit", limit.as_str())];
                ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    /// Writes a gauge that each app has.
    fn gauges(&mut self, name: &str, help: &str, value: fn(&Served) -> u64) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (app, served) in &self.snapshot.apps {
            let labels = [("app", app.as_str())];
            ConstGauge::new(value(served)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// Writes what is true of the processes as such.
    fn process(&mut self) -> fmt::Result {
        let Snapshot { accepting, reloads, reloads_failed, respawns, log_lines_lost, .. } =
            *self.snapshot;
        let help = "Attempts to load the configuration anew";
        let mut family =
            self.encoder.encode_descriptor("reloads", help, None, MetricType::Counter)?;
        for (result, count) in [("good", reloads), ("failed", reloads_failed)] {
            let labels = [("result", result)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        self.counter(
            "respawns",
            "Processes that took the place of one that had died or was told to end",
            respawns,
        )?;
        let help = "Lines of access logs that were dropped";
        self.counter("access_log_lines_lost", help, log_lines_lost)?;
        let help = "Processes that accept connections";
        let gauge = ConstGauge::new(accepting);
        let family = self.encoder.encode_descriptor("workers", help, None, MetricType::Gauge)?;
        gauge.encode(family)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let family = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(value).encode(family)
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::{Metrics, Refusal};

    #[test]
    fn the_text_is_that_of_openmetrics() {
        let metrics = Metrics::default();
        let meter = metrics.meter("pipeline:\"main\"");
        meter.connect();
        meter.upgrade();
        meter.refuse(Refusal::HeadSize);
        let begun = meter.begin();
        meter.end(meter.begin(), 200);
        let text = metrics.snapshot().text();
        for line in [
            "# TYPE pasteline_requests counter",
            r#"pasteline_requests_total{app="pipeline:\"main\"",status="200"} 1"#,
            "# TYPE pasteline_request_duration_seconds histogram",
            r#"pasteline_request_duration_seconds_count{app="pipeline:\"main\""} 1"#,
            r#"pasteline_request_duration_seconds_bucket{le="0.0005",app="pipeline:\"main\""} 1"#,
            r#"pasteline_request_duration_seconds_bucket{le="+Inf",app="pipeline:\"main\""} 1"#,
            r#"pasteline_requests_in_flight{app="pipeline:\"main\""} 1"#,
            r#"pasteline_connections_total{app="pipeline:\"main\""} 1"#,
            r#"pasteline_connections_open{app="pipeline:\"main\""} 1"#,
            r#"pasteline_connections_upgraded{app="pipeline:\"main\""} 1"#,
            r#"pasteline_refusals_total{app="pipeline:\"main\"",limit="head_size"} 1"#,
            r#"pasteline_reloads_total{result="good"} 0"#,
            "pasteline_respawns_total 0",
            "pasteline_access_log_lines_lost_total 0",
            "pasteline_workers 0",
            "# EOF",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        meter.end(begun, 200);
    }
}
